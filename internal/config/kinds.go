package config

import (
	"strings"

	"shoal/internal/upstream"
)

// Kinds returns the table of the kinds of upstream that the program knows.
func (w Worker) Kinds() upstream.Table { return w.layers.kinds }

// Kind returns the kind of upstream that is harvested.
func (w Worker) Kind() upstream.Kind {
	kind, _ := w.layers.kinds.Find(w.Upstream) // the reader has looked it up, as does who changes it
	return kind
}

// UpstreamSettings returns what the kind of upstream may look at.
func (w Worker) UpstreamSettings() upstream.Settings {
	s := upstream.Settings{
		Kind: w.Upstream, API: w.API, URL: w.URL, Corpus: w.Corpus, Extract: w.Extract, Body: w.Body, Check: w.Check, Wait: w.Wait,
		Pack: w.Pack, Split: w.Split, ID: w.ID, Absent: w.Absent, Next: w.Next, Items: w.Items,
		PostIsRead: w.PostIsRead, KeepHeaders: w.KeepHeaders, MaxBody: w.MaxBody, Profile: w.Profile, Auth: w.Auth.Kind,
	}
	if w.Auth.Kind == "query" {
		s.AuthParam = w.Auth.Name
	}
	return s
}

// CheckAPI refuses a kind of upstream that an --api has to name, and none does.
func (w Worker) CheckAPI() error {
	if kind := w.Kind(); kind.NeedsAPI(w.UpstreamSettings()) {
		return Usagef("which %s? Add --api %s", kind.Noun, kind.API)
	}
	return nil
}

// Lines returns how a corpus that is a file, an address or standard input is read. The items of a
// kind that reads it by itself are all on the host of --api.
func (w Worker) Lines() (upstream.Lines, error) {
	if err := w.CheckDownload(); err != nil {
		return upstream.Lines{}, err
	}
	read := w.Kind().Lines
	if read == nil {
		return upstream.Lines{URI: w.Corpus, Hosts: w.AdmittedHosts()}, nil
	}
	lines, err := read(w.UpstreamSettings())
	if err != nil {
		return lines, Usagef("%v", err)
	}
	return lines, nil
}

// checkKind refuses what does not go together with the kind of upstream.
func (w *Worker) checkKind() error {
	kind := w.Kind()
	if named, ok := w.Kinds().ByAPI(); ok && w.API != "" && kind.API == "" {
		return Usagef("--api names a %s, and --upstream is %s: leave one of them out", named.Noun, w.Upstream)
	}
	if kind.Check != nil {
		if err := kind.Check(w.UpstreamSettings()); err != nil {
			return Usagef("%v", err)
		}
	}
	if owner, ok := w.Kinds().ByAuth(w.Auth.Kind); ok && owner.Name != w.Upstream && w.API == "" && w.Corpus != "" {
		return Usagef("auth: %s is a %s's kind of credential: add --api %s", w.Auth.Kind, owner.Noun, owner.API)
	}
	return nil
}

// checkLister refuses a listing of another kind of upstream.
func (w *Worker) checkLister() error {
	kind := w.Kind()
	owner, ok := w.Kinds().Lists(w.Corpus)
	if !ok || owner.Name == kind.Name || kind.API == "" { // where --api is to come, the harvest asks for it
		return nil
	}
	if kind.Listing.Scheme == "" {
		return Usagef("--corpus %s belongs to the %s upstream, and %s lists nothing", owner.Listing.Scheme, owner.Name, kind.Name)
	}
	return Usagef("--corpus %s belongs to the %s upstream: a %s is listed by --corpus '%s'", owner.Listing.Scheme, owner.Name, kind.Noun, kind.Listing.Example)
}

// withKinds puts the names of the kinds, and what they add, into a help text.
func withKinds(help string, kinds upstream.Table) string {
	byAPI, _ := kinds.ByAPI()
	return strings.NewReplacer(
		"{kinds}", listed(kinds.Names(), "or"), "{kind-by-api}", byAPI.Name, "{credentials}", listed(credentials(kinds), "or"),
		"{corpus-by-kind}", byKind(kinds, func(h upstream.Help) string { return h.Corpus }),
		"{api-by-kind}", byKind(kinds, func(h upstream.Help) string { return h.API }),
		"{extract-by-kind}", byKind(kinds, func(h upstream.Help) string { return h.Extract }),
	).Replace(help)
}

// byKind joins what the kinds add to a help text, each after its name.
func byKind(kinds upstream.Table, of func(upstream.Help) string) string {
	var parts []string
	for _, kind := range kinds {
		if text := of(kind.Help); text != "" {
			parts = append(parts, kind.Name+": "+text)
		}
	}
	return strings.Join(parts, "; ")
}

// credentials are the kinds of credential: those of any upstream, and those for which one kind of
// upstream has a login.
func credentials(kinds upstream.Table) []string {
	all := []string{"bearer", "basic", "header", "query", "oauth2"}
	for _, kind := range kinds {
		if kind.Auth != "" {
			all = append(all, kind.Auth)
		}
	}
	return all
}

// listed joins words to a, b or c.
func listed(words []string, conjunction string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}
