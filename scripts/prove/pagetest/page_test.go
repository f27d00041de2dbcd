package pagetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// answers reports whether a server answers.
func answers(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// await repeats a look until it finds what it looks for.
func await(t *testing.T, what string, look func() error) {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := look()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("waited for %s: %v", what, err)
		}
	}
}

// freeAddr is a free address of this machine: the program comes back at the same one.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// browse starts a browser of this width, in which color is light or dark.
func browse(t *testing.T, width int64, color string) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU)
	if path := os.Getenv("CHROMIUM"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, endAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(endAllocator)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: color}}}
	do(t, ctx, chromedp.EmulateViewport(width, 900), send(emulation.SetEmulatedMedia, media)) // the first call starts the browser, for as long as its context lives
	ctx, endTime := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(endTime)
	return ctx
}

// step is something that the browser does.
type step = chromedp.Action[chromedp.Void]

// send is a step of the browser's own protocol.
func send[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, command, params)
		return err
	})
}

func do(t *testing.T, ctx context.Context, steps ...step) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// find returns what the browser finds.
func find[T any](t *testing.T, ctx context.Context, what chromedp.Action[T]) T {
	t.Helper()
	found, err := chromedp.Run(ctx, what)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// picture saves what the browser shows.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("PICTURES")
	if dir == "" {
		dir = t.TempDir()
	}
	png := find(t, ctx, chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// violation is what axe-core finds.
type violation struct {
	ID, Help string
	Nodes    []struct{ HTML, FailureSummary string }
}

// accessible lets axe-core look at the page.
func accessible(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("%v: npm ci in this folder brings it", err)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](string(axe)))
	text := find(t, ctx, chromedp.Evaluate[string](
		`axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))}))))`,
		chromedp.EvalAwaitPromise))
	var found []violation
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			t.Errorf("%s: %s (%s): %s: %s", what, v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// harmless checks that no foreign text ran, and that the page is not wider than the screen.
func harmless(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	title := find(t, ctx, chromedp.Title())
	wide := find(t, ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth`))
	loaded := find(t, ctx, chromedp.Evaluate[[]string](`performance.getEntriesByType("resource").map(r => r.name).filter(n => !n.startsWith(location.origin))`))
	if !strings.HasSuffix(title, "Shoal") {
		t.Errorf("%s: the title is %q: a foreign text ran", what, title)
	}
	if wide {
		t.Errorf("%s is wider than its screen", what)
	}
	if len(loaded) > 0 {
		t.Errorf("%s asked others for %v", what, loaded)
	}
}

func login(base string) step {
	return chromedp.Steps(chromedp.Navigate(base), chromedp.WaitVisible("#token"), chromedp.SendKeys("#token", token+"\r"), chromedp.WaitVisible("table.runs"))
}

// TestPage shows every page at two widths, light and dark.
func TestPage(t *testing.T) {
	w := build(t)
	w.addr = freeAddr(t)
	w.start(t)
	base := "http://" + w.addr
	for _, test := range []struct {
		width int64
		color string
	}{{360, "light"}, {360, "dark"}, {1280, "light"}, {1280, "dark"}} {
		ctx := browse(t, test.width, test.color)
		do(t, ctx, chromedp.Navigate(base+"/"), chromedp.WaitVisible("#token"))
		accessible(t, ctx, "the form for the token")
		do(t, ctx, login(base+"/"))
		for name, path := range map[string]string{
			"runs": "/", "run": "/runs/" + run, "shards": "/runs/" + run + "/shards", "dead": "/runs/" + run + "/items?outcome=dead", "skipped": "/runs/" + run + "/items?outcome=skipped",
			"pause": "/runs/" + run + "/orders/pause", "retry": "/runs/" + run + "/orders/retry?outcome=dead&reason=http_502", "unknown": "/runs/nosuch",
		} {
			what := fmt.Sprintf("%s-%d-%s", name, test.width, test.color)
			do(t, ctx, chromedp.Navigate(base+path), chromedp.WaitVisible("main > h1"))
			if name == "run" {
				do(t, ctx, chromedp.WaitVisible("svg.chart"))
			}
			harmless(t, ctx, what)
			accessible(t, ctx, what)
			picture(t, ctx, what)
		}
		do(t, ctx, chromedp.Navigate(base+"/runs/"+run+"/items?outcome=skipped"), chromedp.Click("tbody a"), chromedp.WaitVisible("pre"))
		harmless(t, ctx, "the evidence of a hostile item")
		accessible(t, ctx, "the evidence of a hostile item")
		picture(t, ctx, fmt.Sprintf("item-%d-%s", test.width, test.color))
	}
}

// text returns what an element shows now.
func text(ctx context.Context, selector string) (shown string, err error) {
	return chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.checkVisibility() ? e.innerText : "").join("\n")`, selector)))
}

// holds waits until an element shows a text.
func holds(t *testing.T, ctx context.Context, selector, part string) {
	t.Helper()
	await(t, fmt.Sprintf("%s to show %q", selector, part), func() error {
		shown, err := text(ctx, selector)
		if err != nil || !strings.Contains(shown, part) {
			return errors.Join(err, fmt.Errorf("it shows %q", shown))
		}
		return nil
	})
}

// TestPageLives shows a dead worker, dead items and silences, changes by itself, pauses the run by
// a button, and survives its program.
func TestPageLives(t *testing.T) {
	w := build(t)
	w.addr = freeAddr(t)
	w.start(t)
	base := "http://" + w.addr
	ctx := browse(t, 1280, "light")
	do(t, ctx, login(base+"/"), chromedp.Navigate(base+"/runs/"+run), chromedp.WaitVisible("svg.chart"))
	holds(t, ctx, "main", "the upstream asked for it: Retry-After")
	holds(t, ctx, "main", "none: kept")
	holds(t, ctx, "main", "http_502")
	holds(t, ctx, "main", "silent") // the dead worker, once its last report is old: the page is not loaded again
	do(t, ctx, chromedp.Click(`a[href$="/orders/pause"]`), chromedp.WaitVisible("#length"), chromedp.SendKeys("#length", "10m"), chromedp.Click("form.order button"), chromedp.WaitVisible(".notice.good"))
	holds(t, ctx, ".notice.good", "api.example is left alone until")
	holds(t, ctx, ".limit", "Held back by: hold")
	picture(t, ctx, "paused")
	do(t, ctx, chromedp.Click(`a[href$="/orders/resume"]`), chromedp.WaitVisible("form.order"), chromedp.Click("form.order button"), chromedp.WaitVisible(".notice.good"))
	holds(t, ctx, ".limit", "Held back by: budget")
	w.stop()
	holds(t, ctx, "#lost", "Connection lost")
	picture(t, ctx, "lost")
	w.start(t)
	holds(t, ctx, "h1", "Token") // a session ends with its program
	do(t, ctx, chromedp.SendKeys("#token", token+"\r"), chromedp.WaitVisible("svg.chart"))
	holds(t, ctx, "h1", run)
}

// TestPageWithoutScript shows the same with scripts switched off.
func TestPageWithoutScript(t *testing.T) {
	w := build(t)
	w.addr = freeAddr(t)
	w.start(t)
	base := "http://" + w.addr
	for _, width := range []int64{360, 1280} {
		ctx := browse(t, width, "light")
		do(t, ctx, send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate(base+"/runs/"+run))
		var page string
		do(t, ctx, chromedp.SendKeys("#token", token+"\r"))
		await(t, "the page after the form", func() error {
			var err error
			if page, err = chromedp.Run(ctx, chromedp.OuterHTML("html")); err != nil || !strings.Contains(page, "svg class=\"chart\"") {
				return errors.Join(err, errors.New("there is no chart"))
			}
			return nil
		})
		for _, part := range []string{"Load this page again", "Retry-After", "http_502", "/orders/pause"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page without script lacks %q", part)
			}
		}
		picture(t, ctx, fmt.Sprintf("noscript-%d", width))
	}
}
