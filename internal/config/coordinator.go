package config

import (
	"fmt"
	"log/slog"

	"shoal/internal/harvest"
)

// Coordinator holds the settings of one command of the coordinator. Only the fields of settings
// that the command takes are set; the others are zero.
type Coordinator struct {
	Run      string // empty: to be found in the store
	Store    string
	Redis    string
	Extract  string // jq
	Batch    int
	To       string // file to export to; -: stdout
	HTML     string // file of a report; -: stdout; empty: none
	Table    string // records or pages
	Envelope bool   // run, key and their like beside each exported record
	Formulas bool   // CSV without the guard against formulas
	Arg      string // of a command that takes one: a run, a rate, a duration
	Host     string
	Outcomes []harvest.Outcome
	Reason   string
	Status   int // 0: any
	Match    string
	Show     int // items to list
	JSON     bool
	Watch    bool
	Force    bool
	Yes      bool
	Progress string
	LogLevel slog.Level
	Warnings []string // sentences to log at start

	StatusAddr   string // of the page; empty for none
	StatusToken  string // file of the token that the page asks for; empty for none
	MetricsToken string // file of the token that /metrics asks for; empty for none

	layers *layers
}

// String names the settings without showing them: some are secret.
func (c Coordinator) String() string { return "coordinator settings of run " + c.Run }

// GoString prevents %#v from printing secrets.
func (c Coordinator) GoString() string { return c.String() }

// LogValue prevents loggers from printing secrets.
func (c Coordinator) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Given reports whether the operator set the named setting, rather than a default.
func (c Coordinator) Given(name string) bool { return c.Source(name).Given() }

// Source returns where the value of the named setting came from.
func (c Coordinator) Source(name string) Source { return c.layers.source(name) }

// CheckRate refuses a rate above that of the site's own profile, unless --force is given.
func (c Coordinator) CheckRate(host string, rate Rate) error {
	if c.Force {
		return nil
	}
	return c.layers.checkRate(host, rate)
}

// CheckRate refuses a rate above that of the site's own profile, unless --force is given.
func (w Worker) CheckRate(host string, rate Rate) error {
	if w.Force {
		return nil
	}
	return w.layers.checkRate(host, rate)
}

func (l *layers) checkRate(host string, rate Rate) error {
	site, ok := siteProfile(host, l.file.auth.Kind != "" || l.profile.Auth.Kind != "")
	if !ok {
		return nil
	}
	most, err := ParseRate(site.values["rate"])
	if err != nil {
		return fmt.Errorf("profile %s: rate %s: %w", site.Name, site.values["rate"], err)
	}
	if rate.PerSecond > most.PerSecond {
		return Usagef("rate %s is above the %s that profile %s has for %s (as of %s): keep to that, or add --force if the site has granted you more", rate, most, site.Name, quoteName(host), site.AsOf)
	}
	return nil
}

func readCoordinator(l *layers) (Coordinator, error) {
	r := reader{layers: l}
	c := Coordinator{
		layers: l, Warnings: l.warnings,
		Run: r.run("run"), Store: r.store("store"), Redis: r.redis("redis"), Extract: r.text("extract"),
		Batch: r.count("batch", 1, 100_000), To: r.text("to"), HTML: r.text("html"), Table: r.oneOf("table", "records", "pages"),
		Envelope: r.flag("envelope"), Formulas: r.flag("no-formula-guard"),
		Host: r.text("host"), Outcomes: r.outcomes("outcome"), Reason: r.text("reason"), Status: r.count("status", 0, 599), Match: r.text("match"),
		Show: r.count("show", 1, 100_000), JSON: r.flag("json"), Watch: r.flag("watch"),
		Force: r.flag("force"), Yes: r.flag("yes"), Progress: r.progress("progress"), LogLevel: r.level("log-level"),
		StatusAddr: r.address("status-addr"), StatusToken: r.text("status-token"), MetricsToken: r.text("metrics-token"),
	}
	return c, r.err
}
