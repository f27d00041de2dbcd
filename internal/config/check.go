package config

import (
	"net/url"
	"strings"
)

// check refuses settings that are each fine but do not go together, and warns of what is unwise.
func (w *Worker) check() error {
	if err := w.checkConflicts(); err != nil {
		return err
	}
	if err := w.Auth.ready(w.layers.environ); err != nil {
		return err
	}
	w.layers.warnProxy()
	w.Warnings = w.layers.warnings
	return w.checkNoUserInfo()
}

// checkNoUserInfo keeps credentials out of what is stored with the run.
func (w *Worker) checkNoUserInfo() error {
	u, err := url.Parse(w.Corpus)
	if err == nil && u.User != nil {
		return Usagef("--corpus holds a user name or password, and it is stored with the run: fetch the list yourself and give its path, or pipe it in with --corpus -")
	}
	return nil
}

// checkConflicts refuses settings that contradict each other.
func (w Worker) checkConflicts() error {
	switch {
	case w.UserAgent != "" && w.Contact != "" && !strings.Contains(w.UserAgent, w.Contact):
		return Usagef("--contact says %s, --user-agent says something else: keep one of them, or write the contact into the User-Agent", quoteName(w.Contact))
	case w.Shard.Of > 1 && w.Redis == "":
		return Usagef("--shard %s without --redis: --shard cuts the work, --redis shares the budget; without it each of the %d workers would send at the full rate. Add --redis redis://host:6379, or run one worker", w.Shard, w.Shard.Of)
	case (w.Cert == "") != (w.Key == ""):
		return Usagef("--cert and --key go together: the certificate and its private key")
	case w.Timeout == 0:
		return Usagef("%s must be above 0", w.Source("timeout").subject("timeout"))
	case w.Flush == 0:
		return Usagef("%s must be above 0", w.Source("flush").subject("flush"))
	case w.Body == "none" && w.Extract == "":
		return Usagef("--body none without --extract would keep nothing: add --extract JQ, or keep the body")
	}
	return nil
}
