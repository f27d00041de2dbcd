package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"shoal/internal/harvest"
)

//go:embed templates/*.html static/*
var files embed.FS

// Options are what a page is made of.
type Options struct {
	Source  Source
	Items   Items
	Orders  Orders
	Token   string // required to see the page and to give orders; empty: all who reach it see it, and it takes no order
	Version string // of this program, for the foot of each page
	Closed  string // why nothing is shown without a token; empty: it is shown
}

// page is the handler.
type page struct {
	Options
	looks    *looks
	sessions *sessions
	life     context.Context
	views    map[string]*template.Template
	assets   map[string]asset
	first    drawn // the first page
}

// asset is one embedded file that pages name.
type asset struct {
	path, kind string
	text       []byte
}

// New returns the page. It reads the store until life ends, and then closes its streams.
func New(life context.Context, o Options) (http.Handler, error) {
	p := &page{Options: o, looks: newLooks(life, o.Source, o.Items), sessions: newSessions(), life: life, assets: map[string]asset{}}
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"} {
		text, err := files.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("the page: %w", err)
		}
		sum := sha256.Sum256(text)
		p.assets[name] = asset{"/static/" + hex.EncodeToString(sum[:6]) + "-" + name, kind, text}
	}
	if err := p.parse(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, a := range p.assets {
		mux.HandleFunc("GET "+a.path, a.serve)
	}
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("POST /logout", p.logout)
	mux.HandleFunc("GET /{$}", p.guarded(p.runs))
	mux.HandleFunc("GET /events", p.guarded(p.events))
	mux.HandleFunc("GET /runs/{run}", p.guarded(p.run))
	mux.HandleFunc("GET /runs/{run}/shards", p.guarded(p.shards))
	mux.HandleFunc("GET /runs/{run}/items", p.guarded(p.items))
	mux.HandleFunc("GET /runs/{run}/items/{key}", p.guarded(p.item))
	mux.HandleFunc("GET /runs/{run}/orders/{order}", p.guarded(p.confirm))
	mux.HandleFunc("POST /runs/{run}/orders/{order}", p.guarded(p.order))
	return headers(http.NewCrossOriginProtection().Handler(mux)), nil
}

// parse reads the templates: each page is the layout with a main part of its own.
func (p *page) parse() error {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	p.views = map[string]*template.Template{}
	shared := []string{"templates/layout.html", "templates/parts.html"}
	for _, name := range names {
		if name == shared[0] || name == shared[1] {
			continue
		}
		view, err := template.New("layout.html").Funcs(p.functions()).ParseFS(files, append(shared, name)...)
		if err != nil {
			return fmt.Errorf("the page: %w", err)
		}
		p.views[strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")] = view
	}
	return nil
}

func (a asset) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // the path changes with the text
	_, _ = w.Write(a.text)
}

// policy lets a page use its own style sheet and script and talk to its own server, and nothing
// else: what is in a foreign text can load and run nothing, even where it got into a page as HTML.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers protects all answers.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// base is what every page has.
type base struct {
	Title   string
	Version string
	Events  string // where the page hears of changes; empty: it does not change
	Session bool   // the visitor has shown the token
	Token   bool   // there is one
	Flash   string // what became of the visitor's last order
	Trouble string // why the page may be old
}

func (p *page) base(r *http.Request, title string) base {
	b := base{Title: title, Version: p.Version, Session: p.known(r), Token: p.Token != ""}
	if b.Session {
		b.Flash = p.sessions.take(sessionOf(r))
	}
	return b
}

// show answers with a page.
func (p *page) show(w http.ResponseWriter, code int, view string, data any) {
	var text bytes.Buffer
	if err := p.views[view].Execute(&text, data); err != nil {
		http.Error(w, "this page cannot be shown: "+harvest.Line(err.Error()), http.StatusInternalServerError)
		return
	}
	write(w, code, text.Bytes())
}

func write(w http.ResponseWriter, code int, text []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(text) // the client may be gone
}

// drawn is the text of a page at one turn, for those who have shown the token and for the others:
// however many look, it is made once.
type drawn struct {
	mu    sync.Mutex
	turn  uint64
	texts map[bool][]byte // by base.Session
}

// show answers with a page that changes with turn. The sentence of an order is for one visitor.
func (d *drawn) show(p *page, w http.ResponseWriter, turn uint64, view string, b base, data func() any) {
	if b.Flash != "" {
		p.show(w, http.StatusOK, view, data())
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.turn != turn || d.texts == nil {
		d.turn, d.texts = turn, map[bool][]byte{}
	}
	if d.texts[b.Session] == nil {
		var text bytes.Buffer
		if err := p.views[view].Execute(&text, data()); err != nil {
			http.Error(w, "this page cannot be shown: "+harvest.Line(err.Error()), http.StatusInternalServerError)
			return
		}
		d.texts[b.Session] = text.Bytes()
	}
	write(w, http.StatusOK, d.texts[b.Session])
}

// errAsked means that an address names what no page is about.
var errAsked = errors.New("this address is not one of a page")

// fail answers with a page that explains an error.
func (p *page) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := http.StatusServiceUnavailable
	if errors.Is(err, ErrUnknown) || errors.Is(err, errAsked) {
		code = http.StatusNotFound
	}
	p.show(w, code, "trouble", struct {
		base
		Why string
	}{p.base(r, "not shown"), harvest.ErrorText(err)})
}

// runName returns the run in the path, if it is the name of one.
func (p *page) runName(w http.ResponseWriter, r *http.Request) (string, bool) {
	name := r.PathValue("run")
	if err := harvest.CheckRunName(name); err != nil {
		p.fail(w, r, fmt.Errorf("%w: %w", errAsked, err))
		return "", false
	}
	return name, true
}

// beat is how often a stream looks for a change.
const beat = time.Second
