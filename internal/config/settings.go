package config

import "strings"

// Set names the commands that take a setting, as a bit mask.
type Set uint

// The commands.
const (
	InWorker Set = 1 << iota
	InExport
	InExtract
	InRebuild
	InDemo
	InSchema
	InEnumerate
	InRun
	InPlan
	InVerify
	InStatus
	InRuns
	InControl
	InRetry
	InReport
	InDrop
	InShow
	InList
	InDoctor
	InServe
	InExplain
	inProfile // only a key of profiles: neither flag nor environment variable

	inHarvest = InWorker | InEnumerate | InRun | InPlan | InVerify | InDoctor // commands that read a corpus
	inOneRun  = inHarvest | InExport | InExtract | InRebuild | InStatus | InControl | InRetry | InReport | InShow | InList
	inStore   = inOneRun | InRuns | InDrop | InServe
	inAll     = inStore | InDemo | InSchema | InExplain

	// inCommon are the commands that take each flag of Setting.Common. The demo has a store, and a
	// pace, of its own.
	inCommon = inAll &^ (InWorker | InDemo)
)

// Group is a heading of --help.
type Group string

// The groups, in the order of --help.
const (
	GroupWhat   Group = "What to harvest"
	GroupTurn   Group = "Whose turn it is"
	GroupPolite Group = "Politeness towards the upstream"
	GroupLands  Group = "Where it lands"
	GroupLimits Group = "Limits and when to stop"
	GroupOutput Group = "Output and configuration"
)

func groups() []Group {
	return []Group{GroupWhat, GroupTurn, GroupPolite, GroupLands, GroupLimits, GroupOutput}
}

// Setting is one row of the table of settings.
type Setting struct {
	Name    string // flag and file key
	Default string // as typed; the profile's value comes before it
	Arg     string // what --help shows for the value; empty for a switch
	Help    string
	Group   Group
	In      Set
	Secret  bool   // may hold a credential
	Address bool   // is a credential as a whole, of which only the host may be shown
	List    bool   // may be given several times, or with commas
	Flag    bool   // has no key in the file
	Bare    string // the value of the flag when none is given
	// Common: every command of the coordinator takes the flag, so that one set of flags fits all. A
	// command that is not in In has no use for it.
	Common bool
}

// takenBy reports whether a command has the flag.
func (s Setting) takenBy(set Set) bool {
	return s.In != inProfile && (s.In&set != 0 || s.Common && set&inCommon != 0)
}

// Switch reports whether the setting is true or false.
func (s Setting) Switch() bool { return s.Arg == "" && s.In != inProfile }

// Env returns the setting's environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

const envPrefix = "SHOAL_"

// autoText is the value of a setting that Shoal decides by itself.
const autoText = "auto"

// Settings returns the table. It is a function so that no caller can change it.
func Settings() []Setting {
	var all []Setting
	for _, part := range [][]Setting{settingsWhat(), settingsTurn(), settingsPolite(), settingsLands(), settingsLimits(), settingsOutput()} {
		all = append(all, part...)
	}
	for i := range all {
		if all[i].In&(InWorker|InRun) != 0 { // it looks at the settings of either, as they are typed
			all[i].In |= InDoctor
		}
		if all[i].Switch() {
			all[i].Default = "false"
		}
	}
	return all
}

// Section is a key of the file that has keys of its own, and no flag.
type Section struct{ Name, Help string }

// Sections returns these keys, in the order of --help.
func Sections() []Section {
	return []Section{
		{"auth", "how we prove who we are, such as auth: {kind: bearer, secret-env: API_TOKEN}. kind: {credentials}; with secret-env: VARIABLE or " +
			"secret-file: FILE; user: (basic, botpassword); name: (header, query); token-url:, client-id:, client-secret-env: or client-secret-file:, scopes: (oauth2)"},
		{"headers", "more headers of each request, without secrets: a list of {name: …, value: …}"},
		{"profiles", "settings of your own by name, each with auth: and headers: of its own; --profile NAME chooses one"},
	}
}

func settingsWhat() []Setting {
	return []Setting{
		{Name: "corpus", Arg: "URI", Group: GroupWhat, In: inHarvest,
			Help: "the list of items: a file (also .gz, .zst), - for stdin, https://…, or store: for the run's enumerated corpus; " +
				"{corpus-by-kind}; default: the one stored with the run"},
		{Name: "url", Arg: "TEMPLATE", Group: GroupWhat, In: inHarvest,
			Help: "for a corpus of ids: where an item lives, such as https://api.example/v1/items/{id}; with {ids} one request asks for many"},
		{Name: "pack", Default: "100", Arg: "N", Group: GroupWhat, In: inHarvest, Help: "with {ids}: how many ids one request holds, at most"},
		{Name: "split", Arg: "JQ", Group: GroupWhat, In: inHarvest, Help: "with {ids}: yields the answer's items, such as .items[]"},
		{Name: "id", Arg: "JQ", Group: GroupWhat, In: inHarvest, Help: "with {ids}: the id of such an item, such as .id"},
		{Name: "absent", Default: "again", Arg: "again|missing", Group: GroupWhat, In: inHarvest,
			Help: "with {ids}: what an id is that the answer does not hold: asked for again, or missing"},
		{Name: "next", Arg: "JQ|link|none", Group: GroupWhat, In: inHarvest,
			Help: "list: the next step of a listing: jq that yields a URL or a cursor, null at the end; link, the header of RFC 8288; or none, where an answer is all there is"},
		{Name: "items", Arg: "JQ", Group: GroupWhat, In: inHarvest,
			Help: "list: yields the items of an answer: URLs, or ids for --url; without it each answer is itself a page"},
		{Name: "upstream", Default: "plain", Arg: "KIND", Group: GroupWhat, In: inHarvest,
			Help: "the kind of API: {kinds}; with --api it is {kind-by-api}"},
		{Name: "api", Arg: "URL", Group: GroupWhat, In: inHarvest,
			Help: "the API, where its kind is named by this; {api-by-kind}"},
		{Name: "extract", Arg: "JQ", Group: GroupWhat, In: inHarvest | InExtract,
			Help: "what makes records of an answer; {extract-by-kind}; without it no record is written"},
		{Name: "body", Default: "json", Arg: "json|raw|none", Group: GroupWhat, In: inHarvest,
			Help: "what a page keeps: the answer as JSON, its bytes with any content type, or only the records"},
		{Name: "check", Arg: "JQ", Group: GroupWhat, In: inHarvest,
			Help: "an answer for which this is not true is tried again"},
		{Name: "post-is-read", Group: GroupWhat, In: inHarvest,
			Help: "POST lines of the corpus only read, so that they may be sent again"},
		{Name: "keep-header", Arg: "NAME", List: true, Group: GroupWhat, In: inHarvest,
			Help: "one more header of the answer to keep, besides ETag, Last-Modified, Content-Type and Link"},
	}
}

func settingsTurn() []Setting {
	return []Setting{
		{Name: "run", Arg: "NAME", Group: GroupTurn, In: inOneRun | InRuns | InDrop, Common: true,
			Help: "name of the refresh; default: the store's one unfinished run with the same inputs, else this quarter, such as 2026q4"},
		{Name: "shard", Default: "0/1", Arg: "i/N|auto", Group: GroupTurn, In: InWorker,
			Help: "this worker's part of the corpus, counted from 0: 0/4 … 3/4; auto takes one free shard after the other of a run that coordinator run has opened"},
		{Name: "shards", Default: autoText, Arg: "N", Group: GroupTurn, In: InRun | InPlan,
			Help: "into how many parts the run is cut for its workers; auto: 64, and 8 where one request holds many items, so that requests are full"},
		{Name: "host", Arg: "HOST", Group: GroupTurn, In: InControl,
			Help: "the upstream's host, as coordinator runs shows it; default: that of the run"},
		{Name: "outcome", Default: "dead", Arg: "WORD", List: true, Group: GroupTurn, In: InRetry | InList,
			Help: "which items: dead, skipped, missing (or, to be listed, landed), or several of them"},
		{Name: "reason", Arg: "WORD", Group: GroupTurn, In: InRetry | InList, Help: "only items that ended for this reason, such as http_502"},
		{Name: "status", Arg: "N", Default: "0", Group: GroupTurn, In: InRetry | InList, Help: "only items whose last answer had this HTTP status; 0: any"},
		{Name: "match", Arg: "PATTERN", Group: GroupTurn, In: InRetry, Help: "only items whose URL or id matches, with * for any text: '*/talk/*'"},
		{Name: "no-wait", Group: GroupTurn, In: InWorker,
			Help: "when another worker has the shard, leave with exit code 13 and do not wait for it"},
	}
}

func settingsPolite() []Setting {
	return []Setting{
		{Name: "contact", Arg: "MAIL|URL", Group: GroupPolite, In: inHarvest,
			Help: "who is asking: goes into the User-Agent; needed unless the upstream is this machine"},
		{Name: "user-agent", Arg: "TEXT", Group: GroupPolite, In: inHarvest,
			Help: "replaces the User-Agent that --contact makes"},
		{Name: "profile", Default: autoText, Arg: "NAME", Group: GroupPolite, In: inHarvest,
			Help: "defaults for an upstream: auto (by its host), generic, wikimedia-anon, wikimedia-auth, wikimedia-bot, or one from profiles: in the file"},
		{Name: "rate", Arg: "N/s", Group: GroupPolite, In: inHarvest,
			Help: "requests that the whole fleet may send to this host: 50/s, 200/min, 5000/h; a bare number is per second; default: the profile's, else 50/s"},
		{Name: "concurrency", Arg: "N", Group: GroupPolite, In: inHarvest,
			Help: "requests in flight in this process; default: the profile's, else 40"},
		{Name: "headroom", Default: "1%", Arg: "P%", Group: GroupPolite, In: inHarvest,
			Help: "part of the rate that is left unused, so that no second exceeds it; 0%: none"},
		{Name: "wait", Arg: "JQ", Group: GroupPolite, In: inHarvest,
			Help: "yields the seconds that an answer asks us to wait"},
		{Name: "workers", Default: "0", Group: GroupPolite, In: inProfile,
			Help: "how many workers may send at once; the others stand by; 0: any number"},
		{Name: "min-pause", Default: "1s", Group: GroupPolite, In: inProfile,
			Help: "the shortest silence after a 429 without a time to wait"},
		{Name: "reset-unit", Default: autoText, Group: GroupPolite, In: inProfile,
			Help: "unit of the X-RateLimit-Reset header: auto, delta, delta-ms, epoch, epoch-ms"},
		{Name: "slow-answer", Default: "0s", Group: GroupPolite, In: inProfile,
			Help: "an answer that takes longer than this makes the fleet silent for slow-pause; 0s: never"},
		{Name: "slow-pause", Default: "5s", Group: GroupPolite, In: inProfile,
			Help: "the silence after a slow answer"},
		{Name: "as-of", Group: GroupPolite, In: inProfile,
			Help: "the day on which the profile's figures were looked up"},
		{Name: "proxy", Arg: "URL|env", Secret: true, Group: GroupPolite, In: inHarvest,
			Help: "an HTTP proxy for the upstream; env: from HTTPS_PROXY, HTTP_PROXY and NO_PROXY"},
		{Name: "ca", Arg: "FILE", Group: GroupPolite, In: inHarvest,
			Help: "PEM file of authorities to trust besides the system's"},
		{Name: "cert", Arg: "FILE", Group: GroupPolite, In: inHarvest, Help: "PEM file of our client certificate; goes with --key"},
		{Name: "key", Arg: "FILE", Group: GroupPolite, In: inHarvest, Help: "PEM file of its private key"},
		{Name: "allow-host", Arg: "HOST", List: true, Group: GroupPolite, In: inHarvest,
			Help: "a host that corpus lines may name and that gets the credential; several: each its own; default: that of --url, else that of the first line, which gets no credential"},
		{Name: "allow-private", Arg: "CIDR", List: true, Group: GroupPolite, In: inHarvest,
			Help: "a private network that the upstream may live in, such as 10.1.0.0/16; a cloud's metadata only by its own address"},
	}
}

func settingsLands() []Setting {
	return []Setting{
		{Name: "store", Default: "sqlite:shoal.db", Arg: "URL", Secret: true, Group: GroupLands, In: inStore | InSchema, Common: true,
			Help: "where pages and records land: sqlite:FILE or postgres://…; DATABASE_URL is read too"},
		{Name: "redis", Arg: "URL", Secret: true, Group: GroupLands, In: inHarvest | InRebuild | InDrop | InControl | InServe, Common: true,
			Help: "redis://…: shares the budget between workers; needed by more than one shard; REDIS_URL is read too"},
		{Name: "batch", Default: "1000", Arg: "N", Group: GroupLands, In: InWorker | InExtract, Help: "items in one transaction, at most"},
		{Name: "batch-bytes", Default: "8MiB", Arg: "SIZE", Group: GroupLands, In: InWorker, Help: "bytes in one transaction, at most"},
		{Name: "flush", Default: "1s", Arg: "TIME", Group: GroupLands, In: InWorker, Help: "how long a batch waits to fill"},
		{Name: "to", Arg: "FILE", Group: GroupLands, In: InExport,
			Help: "file to write: .jsonl or .csv, each also with .gz or .zst; - is stdout (JSON lines). A file that is there already is replaced only with --force"},
		{Name: "html", Arg: "FILE", Group: GroupLands, In: InReport,
			Help: "write the report as one page of HTML that needs no other file; - is stdout. A file that is there already is replaced only with --force"},
		{Name: "table", Default: "records", Arg: "records|pages", Group: GroupLands, In: InExport, Help: "what to export"},
		{Name: "envelope", Group: GroupLands, In: InExport,
			Help: "beside each record its run, key, url, id, ordinal and kind; the record itself is then data"},
		{Name: "no-formula-guard", Group: GroupLands, In: InExport,
			Help: "CSV: leave text that begins with = + - @, a tab or a line break as it is; without this it gets an apostrophe, so that no spreadsheet runs it"},
	}
}

func settingsLimits() []Setting {
	return []Setting{
		{Name: "try", Default: "0", Arg: "[N]", Bare: "3", Group: GroupLimits, In: InWorker,
			Help: "fetch N items (3), store nothing, and show request, answer, limits as understood and records of each"},
		{Name: "limit", Default: "0", Arg: "N", Group: GroupLimits, In: InWorker, Help: "stop after N new items; a rerun continues; 0: all"},
		{Name: "show", Default: "20", Arg: "N", Group: GroupLimits, In: InList, Help: "how many items are listed, at most; the counts are of all"},
		{Name: "timeout", Default: "30s", Arg: "TIME", Group: GroupLimits, In: inHarvest, Help: "for one request, from the first byte sent to the last one read"},
		{Name: "max-body", Default: "16MiB", Arg: "SIZE", Group: GroupLimits, In: inHarvest, Help: "a longer answer, once decoded, is skipped"},
		{Name: "retries", Default: "5", Arg: "N", Group: GroupLimits, In: inHarvest, Help: "how often an item is tried again before it is given up"},
		{Name: "patience", Default: autoText, Arg: "TIME", Group: GroupLimits, In: inHarvest,
			Help: "how long the upstream, the store or Redis may be away before we leave with exit code 5; 0: for ever; auto: 0 on a terminal, else 15m"},
		{Name: "max-silence", Default: "24h", Arg: "TIME", Group: GroupLimits, In: inHarvest,
			Help: "the longest silence that the upstream gets without a person; it asks for more: exit code 5; at most 720h"},
		{Name: "max-dead", Default: "1%", Arg: "N|P%", Group: GroupLimits, In: InWorker | InRun, Help: "more dead items than this: exit code 3; none: no limit"},
		{Name: "max-skipped", Default: "1%", Arg: "N|P%", Group: GroupLimits, In: InWorker | InRun, Help: "the same for skipped items"},
		{Name: "max-rejected", Default: "1%", Arg: "N|P%", Group: GroupLimits, In: InWorker | InRun, Help: "the same for corpus lines that are not items"},
		{Name: "max-missing", Default: "none", Arg: "N|P%", Group: GroupLimits, In: InWorker | InRun, Help: "the same for items that the upstream does not have"},
		{Name: "no-canary", Group: GroupLimits, In: InWorker, Help: "continue even when none of the first 100 items lands"},
		{Name: "yes", Group: GroupLimits, In: InControl, Help: "answer yes to what resume asks before it ends a silence that the upstream asked for"},
		{Name: "force", Group: GroupLimits, In: inHarvest | InExport | InControl | InDrop | InReport,
			Help: "do what is refused for safety: exceed a site profile's rate, overwrite a file, drop a run without asking"},
	}
}

func settingsOutput() []Setting {
	return []Setting{
		{Name: "progress", Default: autoText, Arg: "MODE", Group: GroupOutput, In: inAll &^ (InSchema | InExplain),
			Help: "auto (bar on a terminal, else plain), bar, plain (a line a minute), json (a line a second on stdout; sentences on stderr, or as lines of type message where both are one stream), none"},
		{Name: "log-level", Default: "info", Arg: "LEVEL", Group: GroupOutput, In: inAll &^ (InSchema | InExplain), Common: true, Help: "debug, info, warn or error"},
		{Name: "json", Group: GroupOutput, In: inStore&^InWorker | InExplain, Common: true,
			Help: "print JSON for scripts, whose names stay; where a command prints sentences, each is a line of JSON"},
		{Name: "watch", Group: GroupOutput, In: InStatus, Help: "look again every two seconds: on a terminal as a live table, until q or ^C"},
		{Name: "status-addr", Default: "127.0.0.1:0", Arg: "ADDR", Group: GroupOutput, In: InWorker | InRun | InServe,
			Help: "serves /metrics, /healthz and /readyz, which show no URL, and, where it is given, the page of the runs at /; port 0: any free one, printed at start; off: none; " +
				"coordinator serve: 127.0.0.1:8080 unless it is given"},
		{Name: "status-token", Arg: "FILE", Group: GroupOutput, In: InWorker | InRun | InServe,
			Help: "file with a token that the page then asks for; with it the page takes orders, and is served on other addresses than this machine's own"},
		{Name: "metrics-token", Arg: "FILE", Group: GroupOutput, In: InWorker | InRun | InServe,
			Help: "file with a token that /metrics then asks for, as Authorization: Bearer; /healthz and /readyz never do"},
		{Name: "notify", Arg: "URL", Secret: true, Address: true, List: true, Group: GroupOutput, In: InWorker | InRun,
			Help: "posts a small JSON, which Slack understands, when the run is finished, failed or refused, and when it stalls, is silent or paused for long; see docs/notifications.md"},
		{Name: "notify-after", Default: "10m", Arg: "TIME", Group: GroupOutput, In: InWorker | InRun,
			Help: "what a stall, a silence or a pause may last before --notify posts it"},
		{Name: "notify-key-file", Arg: "FILE", Group: GroupOutput, In: InWorker | InRun,
			Help: "file with a key of 16 characters or more that signs what --notify posts, in the header X-Shoal-Signature-256"},
		{Name: "heartbeat", Arg: "URL", Secret: true, Address: true, Group: GroupOutput, In: InWorker | InRun,
			Help: "pings a dead-man switch while there is progress, in the manner of healthchecks.io: /start, the address itself, /fail"},
		{Name: "heartbeat-every", Default: "1m", Arg: "TIME", Group: GroupOutput, In: InWorker | InRun, Help: "time between two pings of --heartbeat"},
		{Name: "otlp", Arg: "URL|env", Secret: true, Group: GroupOutput, In: InWorker | InRun,
			Help: "exports traces of sampled items and the metrics to an OpenTelemetry collector, such as http://127.0.0.1:4318; env: to the one that OTEL_EXPORTER_OTLP_ENDPOINT names; the SDK's other variables count too"},
		{Name: "config", Arg: "FILE", Flag: true, Group: GroupOutput, In: inAll, Common: true, Help: "the configuration file; default: ./shoal.yaml if there is one"},
		{Name: "print-config", Flag: true, Group: GroupOutput, In: inAll, Help: "print every setting and where it came from, as YAML, and leave"},
	}
}
