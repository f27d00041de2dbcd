package config

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"shoal/internal/harvest"
)

// Profile is a set of defaults for one upstream.
type Profile struct {
	Name    string
	AsOf    string   // the day its figures were looked up
	Hosts   []string // its domains; a rate above the profile's needs --force there
	Headers []Header
	Auth    Auth

	values map[string]string // by setting
}

// wikimediaDomains share one limit, whatever the wiki.
func wikimediaDomains() []string {
	return []string{
		"wikipedia.org", "wikimedia.org", "wikidata.org", "wiktionary.org", "wikibooks.org", "wikiquote.org",
		"wikisource.org", "wikinews.org", "wikiversity.org", "wikivoyage.org", "wikifunctions.org", "mediawiki.org",
	}
}

// builtinProfiles are data: other people's figures, which change, with the day on which they were
// looked up. Wikimedia's are those of https://www.mediawiki.org/wiki/API:Etiquette and its rate
// limits: per user, or per address and User-Agent, over all wikis, with few requests at a time, and
// 5 s of silence after a refusal without a time to wait.
func builtinProfiles() []Profile {
	return []Profile{
		{Name: "generic", values: map[string]string{"rate": "50/s", "concurrency": "40"}},
		{Name: "wikimedia-anon", AsOf: "2026-11-01", Hosts: wikimediaDomains(),
			values: map[string]string{"rate": "200/min", "concurrency": "1", "workers": "1", "min-pause": "5s", "slow-answer": "1s", "slow-pause": "5s"}},
		{Name: "wikimedia-auth", AsOf: "2026-11-01", Hosts: wikimediaDomains(),
			values: map[string]string{"rate": "2000/min", "concurrency": "3", "workers": "1", "min-pause": "5s"}},
		// Flagged bots are exempt from the global limit; 10/s and 3 at a time is what etiquette
		// leaves.
		{Name: "wikimedia-bot", AsOf: "2026-11-01", Hosts: wikimediaDomains(),
			values: map[string]string{"rate": "10/s", "concurrency": "3", "workers": "1", "min-pause": "5s"}},
	}
}

func builtin(name string) Profile {
	all := builtinProfiles()
	return all[slices.IndexFunc(all, func(p Profile) bool { return p.Name == name })]
}

// siteProfile returns the built-in profile of a host, if it has one.
func siteProfile(host string, authorized bool) (Profile, bool) {
	name := strings.TrimSuffix(bareHost(host), ".")
	for _, domain := range wikimediaDomains() {
		if name == domain || strings.HasSuffix(name, "."+domain) {
			if authorized {
				return builtin("wikimedia-auth"), true
			}
			return builtin("wikimedia-anon"), true
		}
	}
	return Profile{}, false
}

// bareHost returns a host in lower case without its port.
func bareHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// firstProfile returns the profile as far as it is known before the corpus is read.
func (l *layers) firstProfile() (Profile, error) {
	l.build()
	name := l.text("profile")
	if name == autoText {
		return l.profileFor(harvest.HostOf(l.text("api") + l.text("url"))), nil
	}
	if p, ok := l.file.profiles[name]; ok {
		return p, nil
	}
	known := []string{autoText}
	for _, p := range builtinProfiles() {
		if p.Name == name {
			return p, nil
		}
		known = append(known, p.Name)
	}
	for own := range l.file.profiles {
		known = append(known, own)
	}
	slices.Sort(known)
	return Profile{}, Usagef("%s %s: there is no such profile%s; there are %s, and your own ones belong in %s under profiles:",
		l.source("profile").subject("profile"), quoteName(name), suggest(name, known), strings.Join(known, ", "), fileName)
}

// profileFor returns the profile that auto means for a host.
func (l *layers) profileFor(host string) Profile {
	if p, ok := siteProfile(host, l.file.auth.Kind != ""); ok {
		return p
	}
	return builtin("generic")
}

func (l *layers) headers() []Header {
	if l.file.headers != nil {
		return l.file.headers
	}
	return l.profile.Headers
}

func (l *layers) auth() Auth {
	if l.file.auth.Kind != "" {
		return l.file.auth
	}
	return l.profile.Auth
}

// ForHost settles what depends on the upstream's host for a process that sends it requests: it
// refuses a missing contact (see [Worker.CheckContact]), and does what [Worker.About] does.
func (w Worker) ForHost(host string) (Worker, error) {
	if err := w.CheckContact(host); err != nil {
		return w, err
	}
	return w.About(host)
}

// About settles what depends on the upstream's host, given as [harvest.HostOf] returns it: the
// profile, if it is auto, and with it [Rate], Concurrency, Workers, MinPause and ResetUnit unless
// the operator set them. Without --force it refuses a rate or concurrency above that of the site's
// profile. The rest of w stays as it is.
func (w Worker) About(host string) (Worker, error) {
	if w.layers.text("profile") == autoText {
		l := *w.layers
		l.profile = l.profileFor(host)
		l.build()
		settled, err := readWorker(&l)
		if err != nil {
			return w, err
		}
		w.Profile, w.ProfileAsOf = settled.Profile, settled.ProfileAsOf
		w.Rate, w.Concurrency, w.Workers = settled.Rate, settled.Concurrency, settled.Workers
		w.Slow, w.SlowPause = settled.Slow, settled.SlowPause
		w.MinPause, w.ResetUnit, w.layers = settled.MinPause, settled.ResetUnit, &l
	}
	return w, w.checkSite(host)
}

// checkSite checks the worker against what the site itself allows.
func (w Worker) checkSite(host string) error {
	site, ok := siteProfile(host, w.Auth.Kind != "")
	if !ok || w.Force {
		return nil
	}
	most, err := ParseRate(site.values["rate"])
	if err != nil {
		return fmt.Errorf("profile %s: rate %s: %w", site.Name, site.values["rate"], err)
	}
	const advice = "%s %s is above the %s that profile %s has for %s (as of %s): keep to that, or add --force if the site has granted you more"
	if w.Rate.PerSecond > most.PerSecond {
		return Usagef(advice, w.Source("rate").subject("rate"), w.Rate, most, site.Name, quoteName(host), site.AsOf)
	}
	if limit, err := parseCount(site.values["concurrency"], 1, maxConcurrency); err != nil || w.Concurrency > limit {
		return Usagef(advice, w.Source("concurrency").subject("concurrency"), fmt.Sprint(w.Concurrency), site.values["concurrency"], site.Name, quoteName(host), site.AsOf)
	}
	return nil
}
