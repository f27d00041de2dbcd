package config

import (
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// Answers are the settings about the answers of an upstream. [shoal/internal/exchange.Settings] has
// the same fields.
type Answers struct {
	Retries   int // tries after the first
	MinPause  time.Duration
	ResetUnit string        // auto, delta, delta-ms, epoch or epoch-ms
	Slow      time.Duration // an answer that takes longer is followed by SlowPause; 0: never
	SlowPause time.Duration
}

// Worker holds the settings of one worker. Zero values mean "not set" for text and lists.
type Worker struct {
	Run         string    // empty: to be found in the store
	Scheduled   time.Time // when a Kubernetes CronJob scheduled this, see scheduled; zero elsewhere
	Shard       harvest.Shard
	AutoShard   bool // --shard auto; Shard is zero
	Shards      int  // how many a run is cut into; 0: as fits
	NoWait      bool
	Corpus      string // empty: the one stored with the run
	URL         string // template with {id}
	API         string // canonical URL of the upstream itself, such as a wiki's api.php
	Upstream    string // its kind, see Kind
	Extract     string // jq
	Body        string // json, raw or none
	Check, Wait string // jq
	Pack        int    // items of a request to URL with {ids}
	Split, ID   string // jq: the items of such an answer, and their ids
	Absent      string // again or missing
	Next, Items string // of a listing: jq, Next also link
	PostIsRead  bool
	KeepHeaders []string // canonical names

	Profile     string // its name; ForHost settles what auto means
	ProfileAsOf string // the day of the profile's figures; may be empty
	Rate        Rate
	Concurrency int
	Headroom    float64 // fraction, 0.01; negative: none
	Workers     int     // that may send at once in the whole fleet; 0: any number
	Answers

	Contact, UserAgent string
	Headers            []Header
	Auth               Auth // Kind is empty for none
	CA, Cert, Key      string
	Proxy              string   // a URL that may hold a credential, env (HTTPS_PROXY, HTTP_PROXY and NO_PROXY), or empty for none
	AllowHosts         []string // lower case
	AllowPrivate       []netip.Prefix

	Store, Redis string
	Batch        int
	BatchBytes   int64
	Flush        time.Duration

	Try, Limit   int // 0: off
	Timeout      time.Duration
	MaxBody      int64
	Patience     time.Duration // 0: for ever
	PatienceAuto bool          // it is auto, given or not: 0 on a terminal, else 15m
	MaxSilence   time.Duration // the longest silence of the upstream that begins without a person
	MaxDead      Allowance
	MaxSkipped   Allowance
	MaxRejected  Allowance
	MaxMissing   Allowance
	NoCanary     bool
	Force        bool

	Progress     string // auto, bar, plain, json or none
	LogLevel     slog.Level
	StatusAddr   string   // host:port; empty for none
	MetricsToken string   // file of the token that /metrics asks for; empty for none
	StatusToken  string   // file of the token that the page asks for; empty for none
	Notify       []string // addresses, each a credential
	NotifyAfter  time.Duration
	NotifyKey    string // file of the key that signs notices; empty for none
	Heartbeat    string // address, a credential; empty for none
	HeartbeatGap time.Duration
	OTLP         string   // address of a collector, env, or empty for none
	JSON         bool     // print for scripts
	Warnings     []string // sentences to log at start

	layers *layers
}

// String names the worker without its settings, some of which are secret.
func (w Worker) String() string {
	return "worker settings of run " + w.Run + ", shard " + w.Shard.String()
}

// GoString prevents %#v from printing secrets.
func (w Worker) GoString() string { return w.String() }

// LogValue prevents loggers from printing secrets.
func (w Worker) LogValue() slog.Value { return slog.StringValue(w.String()) }

// Given reports whether the operator set the named setting, rather than a profile or a default.
func (w Worker) Given(name string) bool { return w.Source(name).Given() }

// Source returns where the value of the named setting came from.
func (w Worker) Source(name string) Source { return w.layers.source(name) }

// scheduled reads the minute for which a Kubernetes CronJob made a Job: its name ends in the
// minutes since 1970. A pod may start days later, and its run is still named after that minute. It
// returns zero for any other name. Source: getJobName in
// kubernetes/pkg/controller/cronjob/utils.go.
func scheduled(job string) time.Time {
	const least, most = 20_000_000, 99_999_999 // 2008 to 2160
	minutes, err := strconv.Atoi(job[strings.LastIndexByte(job, '-')+1:])
	if err != nil || minutes < least || minutes > most || !strings.Contains(job, "-") {
		return time.Time{}
	}
	return time.Unix(int64(minutes)*60, 0).UTC()
}

// defaultPatience is for a worker without a person at the terminal.
const defaultPatience = 15 * time.Minute

func readWorker(l *layers) (Worker, error) {
	r := reader{layers: l}
	w := Worker{
		layers: l, Warnings: l.warnings,

		Run: r.run("run"), Shards: r.shards("shards"), JSON: r.flag("json"), NoWait: r.flag("no-wait"),
		Corpus: r.corpus("corpus"), URL: r.template("url"), API: r.api("api"), Upstream: r.upstream("upstream"),
		Extract: r.text("extract"), Body: r.oneOf("body", "json", "raw", "none"),
		Check: r.text("check"), Wait: r.text("wait"), Pack: r.count("pack", 1, 10_000), Split: r.text("split"), ID: r.text("id"),
		Absent: r.oneOf("absent", "again", "missing"), Next: r.text("next"), Items: r.text("items"),
		PostIsRead:  r.flag("post-is-read"),
		KeepHeaders: r.headerNames("keep-header"),

		Profile: l.profile.Name, ProfileAsOf: l.profile.AsOf,
		Rate: r.rate("rate"), Concurrency: r.count("concurrency", 1, maxConcurrency), Headroom: r.headroom("headroom"),
		Workers: r.count("workers", 0, 10_000),
		Answers: Answers{
			Retries: r.count("retries", 0, 1000), MinPause: r.duration("min-pause"),
			ResetUnit: r.oneOf("reset-unit", autoText, "delta", "delta-ms", "epoch", "epoch-ms"),
			Slow:      r.duration("slow-answer"), SlowPause: r.duration("slow-pause"),
		},

		Contact: r.contact("contact"), UserAgent: r.userAgent("user-agent"), Headers: l.headers(), Auth: l.auth(),
		CA: r.text("ca"), Cert: r.text("cert"), Key: r.text("key"), Proxy: r.proxy("proxy"),
		AllowHosts: r.hosts("allow-host"), AllowPrivate: r.prefixes("allow-private"),

		Store: r.store("store"), Redis: r.redis("redis"),
		Batch: r.count("batch", 1, 100_000), BatchBytes: r.size("batch-bytes"), Flush: r.duration("flush"),

		Try: r.count("try", 0, 1000), Limit: r.count("limit", 0, 1<<40),
		Timeout: r.duration("timeout"), MaxBody: r.size("max-body"),
		MaxDead: r.allowance("max-dead"), MaxSkipped: r.allowance("max-skipped"),
		MaxRejected: r.allowance("max-rejected"), MaxMissing: r.allowance("max-missing"),
		NoCanary: r.flag("no-canary"), Force: r.flag("force"),

		Progress: r.progress("progress"), LogLevel: r.level("log-level"), StatusAddr: r.address("status-addr"), MetricsToken: r.text("metrics-token"), StatusToken: r.text("status-token"),
		Notify: r.receivers("notify"), NotifyAfter: r.duration("notify-after"), NotifyKey: r.text("notify-key-file"), Heartbeat: r.receiver("heartbeat"), HeartbeatGap: r.duration("heartbeat-every"),
		OTLP: r.collector("otlp"),
	}
	w.Scheduled = scheduled(l.environ["JOB_NAME"])
	w.Shard, w.AutoShard = r.shard("shard")
	w.Patience, w.PatienceAuto = r.patience("patience")
	w.MaxSilence = r.silence("max-silence")
	if kind, ok := l.kinds.ByAPI(); ok && w.API != "" && !w.Given("upstream") {
		w.Upstream = kind.Name
	}
	return w, r.err
}
