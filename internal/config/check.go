package config

import (
	"net/url"
	"strings"
)

// check refuses settings that are valid one by one but contradict each other, and warns of what is
// unwise.
func (w *Worker) check() error {
	if err := firstError(w.checkConflicts(), w.checkKind(), w.checkListing()); err != nil {
		return err
	}
	if w.asks() {
		if err := w.Auth.ready(w.layers.environ); err != nil {
			return err
		}
	}
	for _, warning := range []string{w.ignoredProxy(), w.secretInURL(), plainRedis(w.Redis), w.exposedReceiver()} {
		if warning != "" {
			w.Warnings = append(w.Warnings, warning)
		}
	}
	return nil
}

// asks reports whether the command sends requests to the upstream. A command that does not often
// runs on a machine without a credential.
func (w *Worker) asks() bool {
	_, listing := w.Kinds().Lists(w.Corpus)
	return w.layers.set&(InPlan|InVerify) == 0 && (w.layers.set&InEnumerate == 0 || listing)
}

// checkConflicts refuses settings that contradict each other.
func (w *Worker) checkConflicts() error {
	switch {
	case w.UserAgent != "" && w.Contact != "" && !strings.Contains(w.UserAgent, w.Contact):
		return Usagef("--contact is %s, --user-agent has another one: keep one of them, or write the contact into the User-Agent", quoteName(w.Contact))
	case w.AutoShard && w.Redis == "":
		return Usagef("--shard auto without --redis: --shard cuts the work, --redis shares the budget; without it each worker of the run would send at the full rate. Add --redis redis://host:6379, or run one worker with --shard 0/1")
	case w.AutoShard && w.Try > 0:
		return Usagef("--try looks at the first items of a corpus and needs no --shard auto: leave one of them out")
	case w.Shard.Of > 1 && w.Redis == "":
		return Usagef("--shard %s without --redis: --shard cuts the work, --redis shares the budget; without it each of the %d workers would send at the full rate. Add --redis redis://host:6379, or run one worker", w.Shard, w.Shard.Of)
	case (w.Cert == "") != (w.Key == ""):
		return Usagef("--cert and --key go together: the certificate and its private key")
	}
	for name, zero := range map[string]bool{"timeout": w.Timeout == 0, "flush": w.Flush == 0, "heartbeat-every": w.HeartbeatGap == 0, "notify-after": w.NotifyAfter == 0} {
		if s, _ := find(name); zero && w.layers.takes(s) {
			return Usagef("%s must be above 0", w.Source(name).subject(name))
		}
	}
	return nil
}

// checkListing refuses settings that contradict a listing, or are useless without one.
func (w *Worker) checkListing() error {
	_, listed := w.Kinds().Chained(w.Corpus)
	switch {
	case listed && w.Next == "":
		return Usagef("--corpus list:… without --next: how does the listing continue? A jq expression that yields a URL or a cursor, such as --next .next_cursor; --next link for the Link header; --next none where each answer is all there is, as with page={1..40}")
	case w.Corpus != "" && !listed && w.Corpus != "store:" && w.Given("next") && w.Source("next").Kind == FromFlag:
		return Usagef("--next belongs to a listing: --corpus list:https://api.example/items")
	}
	if err := w.checkLister(); err != nil {
		return err
	}
	if listed && w.Items != "" && w.Body == "none" && w.Extract == "" {
		return Usagef("--body none without --extract keeps nothing: add --extract, or leave --body out")
	}
	return nil
}

// secretInURL warns of a parameter of --url that looks like a credential: every page keeps its URL.
func (w *Worker) secretInURL() string {
	_, query, _ := strings.Cut(w.URL, "?")
	if listing, ok := w.Kinds().Chained(w.Corpus); ok {
		_, more, _ := strings.Cut(listing, "?")
		query += "&" + more
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if secretWord.MatchString(name) && !strings.HasPrefix(value, "{") {
			return "the URL has the parameter " + quoteName(name) + ", and every page keeps its URL: if it is a credential, use auth: {kind: query, name: " + name + ", secret-env: VARIABLE}"
		}
	}
	return ""
}

// plainRedis warns of a connection that others on the network can read and change.
func plainRedis(text string) string {
	u, err := url.Parse(text)
	if err != nil || isLoopback(u.Host) {
		return ""
	}
	if u.Scheme == "rediss" && u.Query().Has("skip_verify") && u.Query().Get("skip_verify") != "false" {
		return "--redis " + quoteName(Redact(text)) + " accepts any certificate (skip_verify), so that others on the way can read and change the budget: leave skip_verify out, and name a private authority with --ca FILE"
	}
	if u.Scheme != "redis" {
		return ""
	}
	return "--redis " + quoteName(Redact(text)) + " is not encrypted: use rediss:// unless only you use the network"
}
