package config

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args string // separated by spaces
		env  string
		file string
		want []string
	}{
		{"shard from 1", "--shard 8/8", "", "", []string{`--shard "8/8"`, "shards count from 0: 0/8 … 7/8"}},
		{"shard by variable", "", "SHOAL_SHARD=8/8", "", []string{"SHOAL_SHARD", "shards count from 0"}},
		{"shard garbage", "--shard 3of8", "", "", []string{"i/N"}},
		{"shards without Redis", "--shard 1/8", "", "", []string{"--shard cuts the work, --redis shares the budget"}},
		{"auto without Redis", "--shard auto", "", "", []string{"--redis shares the budget"}},
		{"auto to look", "--shard auto --redis redis://r --try", "", "", []string{"--try looks at the first items"}},
		{"rate 0", "--rate 0", "", "", []string{"--rate", "above 0"}},
		{"rate negative", "--rate -5/s", "", "", []string{"above 0"}},
		{"rate garbage", "--rate fast", "", "", []string{"50/s, 200/min or 5000/h"}},
		{"rate unit", "--rate 50/day", "", "", []string{"50/s, 200/min or 5000/h"}},
		{"rate in the file", "", "", "\nrate: 0\n", []string{"rate (shoal.yaml:2)", "above 0"}},
		{"rate NaN", "--rate NaN", "", "", []string{"50/s"}},
		{"rate infinite", "--rate Inf", "", "", []string{"100000/s"}},
		{"concurrency 0", "--concurrency 0", "", "", []string{"--concurrency", "from 1 to"}},
		{"batch 0", "--batch 0", "", "", []string{"--batch", "from 1 to"}},
		{"batch garbage", "--batch many", "", "", []string{"whole number"}},
		{"size", "--max-body 16Mib/s", "", "", []string{"16MiB"}},
		{"size 0", "--batch-bytes 0", "", "", []string{"above 0"}},
		{"time without unit", "--timeout 30", "", "", []string{"30s"}},
		{"notify without scheme", "--notify hooks.example/services/T", "", "", []string{"--notify: ", "https://"}},
		{"otlp with a query", "--otlp http://127.0.0.1:4318/?k=v", "", "", []string{"OTLP over HTTP"}},
		{"otlp by gRPC", "--otlp grpc://127.0.0.1:4317", "", "", []string{"OTLP over HTTP"}},
		{"heartbeat never", "--heartbeat-every 0s", "", "", []string{"--heartbeat-every must be above 0"}},
		{"time 0", "--timeout 0s", "", "", []string{"--timeout must be above 0"}},
		{"time negative", "--patience -5m", "", "", []string{"negative"}},
		{"headroom", "--headroom 80%", "", "", []string{"0% to 50%"}},
		{"allowance", "--max-dead 1.5", "", "", []string{"none for no limit"}},
		{"allowance above 100 %", "--max-dead 101%", "", "", []string{"none for no limit"}},
		{"body", "--body xml", "", "", []string{"json, raw or none"}},
		{"progress", "--progress dots", "", "", []string{"auto, bar, plain, json or none"}},
		{"log level", "--log-level loud", "", "", []string{"debug, info, warn or error"}},
		{"print-config", "--print-config=maybe", "", "", []string{"--print-config", "true or false"}},
		{"switch", "--force=maybe", "", "", []string{"true or false"}},
		{"upstream is a URL", "--upstream https://api.lab.edu/v1", "", "", []string{"--upstream is the kind of API (plain or mediawiki); the URL belongs to --corpus, --url or --api"}},
		{"upstream unknown", "--upstream graphql", "", "", []string{"plain"}},
		{"url without {id}", "--url https://api.lab.edu/items", "", "", []string{"{id}", "--corpus"}},
		{"url with {page}", "--url https://api.lab.edu/{page}", "", "", []string{"{page} is not known", "{id}"}},
		{"url with {id} as host", "--url https://{id}.lab.edu/", "", "", []string{"the host must be one and the same"}},
		{"url with another scheme", "--url ftp://lab.edu/{id}", "", "", []string{"http://"}},
		{"run name", "--run 2026/Q4", "", "", []string{"2026q4"}},
		{"contact", "--contact ada", "", "", []string{"mail address"}},
		{"contact that breaks the header", "--contact https://lab.edu/(x)", "", "", []string{"parentheses"}},
		{"user agent of a browser", "--user-agent Mozilla/5.0", "", "", []string{"browser"}},
		{"two answers to who is asking", "--contact ada@lab.edu --user-agent lab/1", "", "", []string{"keep one of them"}},
		{"proxy", "--proxy socks5://h:1", "", "", []string{"http://host:port"}},
		{"cert without key", "--cert c.pem", "", "", []string{"--cert and --key go together"}},
		{"store", "--store mysql://h/db", "", "", []string{"sqlite:FILE", "postgres://"}},
		{"store with a user and a mistyped scheme", "--store postgre://ann@h/db", "", "", []string{"sqlite:FILE", "postgres://"}},
		{"store by DATABASE_URL", "", "DATABASE_URL=mysql://h/db", "", []string{"DATABASE_URL", "postgres://"}},
		{"redis", "--redis localhost:6379", "", "", []string{"redis://host:6379/0"}},
		{"allow-host", "--allow-host https://b.edu/x", "", "", []string{"write a host"}},
		{"allow-private", "--allow-private ten", "", "", []string{"10.1.0.0/16"}},
		{"keep-header", "--keep-header Set-Cookie", "", "", []string{"never kept"}},
		{"status-addr", "--status-addr 9090", "", "", []string{"host:port"}},
		{"profile", "--profile wikimedia", "", "", []string{"no such profile", "wikimedia-anon"}},
		{"typo in a flag", "--conurrency 3", "", "", []string{"--conurrency", "did you mean concurrency?"}},
		{"one-letter flag", "-r 3", "", "", []string{"two dashes"}},
		{"flag without value", "--rate", "", "", []string{"--rate N/s"}},
		{"argument", "urls.txt", "", "", []string{`"urls.txt"`, "--corpus"}},
		{"a switch's value apart", "--force true", "", "", []string{"no arguments"}},

		{"not YAML", "", "", "rate: 5\n\tbatch: 3\n", []string{"shoal.yaml is not YAML", "line 2"}},
		{"no map", "", "", "- rate\n", []string{"shoal.yaml:1", "key: value"}},
		{"two documents", "", "", "rate: 5\n---\nrate: 6\n", []string{"second document"}},
		{"unknown key", "", "", "rate: 5\nconcurency: 3\n", []string{"shoal.yaml:2", `"concurency"`, "did you mean concurrency?"}},
		{"underscore", "", "", "batch_bytes: 3\n", []string{"did you mean batch-bytes?"}},
		{"capital", "", "", "Rate: 3\n", []string{`"Rate" is not known`, "did you mean rate?"}},
		{"key twice", "", "", "rate: 5\nrate: 6\n", []string{"shoal.yaml:2", "second time", "line 1"}},
		{"profile's key at the top", "", "", "min-pause: 5s\n", []string{`"min-pause" is not known`}},
		{"list where a value goes", "", "", "rate: [5]\n", []string{"shoal.yaml:1", "one value"}},
		{"braces without quotes", "", "", "extract: {a: .b}\n", []string{"quotes"}},
		{"flag in the file", "", "", "print-config: true\n", []string{"is a flag"}},
		{"alias", "", "", "rate: &r 5\nbatch: *r\n", []string{"shoal.yaml:2", "one value"}},
		{"unknown key of a profile", "", "", "profiles:\n  mine:\n    rat: 5\n", []string{"shoal.yaml:3", "did you mean rate?"}},
		{"profile of a built-in name", "", "", "profiles: {generic: {rate: 5}}\n", []string{"built in"}},
		{"wrong value of a profile", "--profile mine", "", "profiles: {mine: {rate: x}}\n", []string{"rate of profile mine"}},
		{"headers as a map", "", "", "headers: {X-A: b}\n", []string{"list of {name: …, value: …}"}},
		{"header of ours", "", "", "headers: [{name: Host, value: b}]\n", []string{"leave it out"}},
		{"header with a line break", "", "", "headers: [{name: X-A, value: \"b\\r\\nX-B: c\"}]\n", []string{"control character"}},
		{"header name", "", "", "headers: [{name: 'X A', value: b}]\n", []string{"letters, digits and dashes"}},
		{"header user-agent", "", "", "headers: [{name: user-agent, value: b}]\n", []string{"contact:"}},
		{"header with an unknown key", "", "", "headers: [{nam: X-A, value: b}]\n", []string{"did you mean name?"}},
		{"auth kind", "", "", "auth: {kind: magic}\n", []string{"bearer, basic, header, query, oauth2 or botpassword"}},
		{"auth without kind", "", "", "auth: {secret-env: A}\n", []string{"kind is missing"}},
		{"auth without secret", "", "", "auth: {kind: bearer}\n", []string{"secret-env", "secret-file"}},
		{"auth with two secrets", "", "", "auth: {kind: bearer, secret-env: A, secret-file: b}\n", []string{"keep one of them"}},
		{"auth without a secret", "", "", "auth: {kind: bearer}\n", []string{"secret-env: VARIABLE or secret-file: FILE"}},
		{"a header without a value", "", "", "headers: [{name: A}]\n", []string{"header A has no value"}},
		{"auth basic without user", "", "", "auth: {kind: basic, secret-env: A}\n", []string{"user:"}},
		{"auth query without name", "", "", "auth: {kind: query, secret-env: A}\n", []string{"query parameter"}},
		{"oauth2 without token-url", "", "", "auth: {kind: oauth2, client-id: a, client-secret-env: A}\n", []string{"token-url"}},
		{"oauth2 without secret", "", "", "auth: {kind: oauth2, client-id: a, token-url: 'https://t'}\n", []string{"client-secret-env"}},
		{"auth variable not set", "", "", "auth: {kind: bearer, secret-env: API_TOKEN}\n", []string{`"API_TOKEN" is not set`}},
		{"auth file missing", "", "", "auth: {kind: bearer, secret-file: /none/here}\n", []string{"/none/here"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := world{env: Env{Dir: fileDir(t, test.file), Environ: strings.Fields(test.env)}, args: strings.Fields(test.args)}.run(t)
			if w.ran {
				t.Error("the worker ran, want it refused")
			}
			wantUsage(t, "worker "+test.args, w.err, test.want...)
			if w.out != "" {
				t.Errorf("output = %q, want none beside the error", w.out)
			}
		})
	}
}

// TestNoSecretIsShown puts a canary into every place where a secret can be and looks for it in
// everything that the package prints.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	const canary = "c4nary"
	const bearer = "headers: [{name: X-Api-Key, value: c4nary}]\n"
	for _, test := range []struct {
		name, env, file string
		args            []string
		refused         bool
		want            string
	}{
		{"redis by flag", "", "", []string{"--redis", "redis://:c4nary@h:1"}, true, "SHOAL_REDIS"},
		{"redis user by flag", "", "", []string{"--redis", "redis://c4nary@h:1"}, true, "SHOAL_REDIS"},
		{"store by flag", "", "", []string{"--store", "postgres://u:c4nary@h/db"}, true, "SHOAL_STORE"},
		{"store parameter by flag", "", "", []string{"--store", "postgres://h/db?password=c4nary"}, true, "SHOAL_STORE"},
		{"store keywords by flag", "", "", []string{"--store", "host=h password=c4nary"}, true, "SHOAL_STORE"},
		{"store not encoded by flag", "", "", []string{"--store", "postgres://u:1/c4nary@h/db"}, true, "SHOAL_STORE"},
		{"proxy by flag", "", "", []string{"--proxy", "http://u:c4nary@h:1"}, true, "SHOAL_PROXY"},
		{"token by flag", "", "", []string{"--token", canary}, true, "secret-env"},
		{"password by flag", "", "", []string{"--password=c4nary"}, true, "secret-env"},
		{"header by flag", "", "", []string{"--header", "Authorization: c4nary"}, true, "secret-env"},
		{"credential in --url", "", "", []string{"--url", "https://u:c4nary@h.edu/{id}"}, true, "auth:"},
		{"credential in --corpus", "", "", []string{"--corpus", "https://u:c4nary@h.edu/x"}, true, "stored with the run"},
		{"redis wrong", "SHOAL_REDIS=rdis://:c4nary@h", "", nil, true, "redis://"},
		{"store wrong", "DATABASE_URL=mysql://u:c4nary@h/db", "", nil, true, "DATABASE_URL"},
		{"store keywords", "SHOAL_STORE=host=h_password=c4nary", "", nil, true, "SHOAL_STORE"},
		{"notify wrong", "SHOAL_NOTIFY=ftp://hooks.example/c4nary", "", nil, true, "SHOAL_NOTIFY"},
		{"heartbeat wrong", "", "heartbeat: https:///c4nary\n", nil, true, "heartbeat"},
		{"notify in a profile", "", "profiles: {mine: {notify: 'https://hooks.example/c4nary'}}\n", nil, true, "SHOAL_NOTIFY"},
		{"otlp with a password", "SHOAL_OTLP=https://u:c4nary@h:4318", "", nil, true, "OTEL_EXPORTER_OTLP_HEADERS"},
		{"store unparsable", "SHOAL_STORE=postgres://u:c4na%ry@h/db", "", nil, true, "percent-encoded"},
		{"proxy wrong", "SHOAL_PROXY=socks5://u:c4nary@h", "", nil, true, "SHOAL_PROXY"},
		{"secret in auth", "", "auth: {kind: bearer, secret: c4nary}\n", nil, true, "secret-env"},
		{"token in auth", "", "auth: {kind: bearer, token: c4nary}\n", nil, true, "secret-env"},
		{"key in headers", "", bearer, nil, true, "auth:"},
		{"bearer in headers", "", "headers: [{name: X-Team, value: Bearer c4nary}]\n", nil, true, "auth:"},
		{"password in a profile", "", "profiles: {mine: {redis: 'redis://:c4nary@h'}}\n", nil, true, "SHOAL_REDIS"},
		{"credential in a profile's url", "", "profiles: {mine: {url: 'https://u:c4nary@h/{id}'}}\n", nil, true, "password"},
		{"credential in token-url", "", "auth: {kind: oauth2, client-id: a, client-secret-env: A, token-url: 'https://u:c4nary@h'}\n", nil, true, "client-secret-env"},
		{"comment in a profile", "", "# c4nary\nprofiles: # c4nary\n  # c4nary\n  mine: {rate: 5} # c4nary\n# c4nary\n", nil, false, "rate: 5"},
		{"unknown key", "", "redispass: c4nary\n", nil, true, "not known"},
		{"redis", "SHOAL_REDIS=redis://:c4nary@localhost:1/2", "", nil, false, "redis://(redacted)@localhost:1/2"},
		{"REDIS_URL", "REDIS_URL=redis://:c4nary@localhost:1", "", nil, false, "REDIS_URL (redacted)"},
		{"store", "SHOAL_STORE=postgres://u:c4nary@h/db?sslmode=require", "", nil, false, "postgres://(redacted)@h/db"},
		{"store with a password in its parameters", "SHOAL_STORE=postgres://h/db?password=c4nary", "", nil, false, "# store: (redacted)"},
		{"store not encoded", "SHOAL_STORE=postgres://u:1/c4nary@h/db", "", nil, false, "# store: (redacted)"},
		{"store in the file", "", "store: postgres://u:c4nary@h/db\n", nil, false, "shoal.yaml:1 (redacted)"},
		{"notify", "SHOAL_NOTIFY=https://hooks.example/services/c4nary,https://other.example/c4nary", "", nil, false, "# notify: https://hooks.example/(redacted), https://other.example/(redacted)"},
		{"heartbeat in the file", "", "heartbeat: https://hc.example/c4nary\n", nil, false, "# heartbeat: https://hc.example/(redacted)"},
		{"proxy", "SHOAL_PROXY=http://c4nary@h:1", "", nil, false, "http://(redacted)@h:1"},
		{"auth", "API_TOKEN=c4nary", "auth: {kind: bearer, secret-env: API_TOKEN}\n", nil, false, "API_TOKEN"},
		{"unknown variable", "SHOAL_TOKEN=c4nary", "", nil, false, "profile: auto"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env := Env{Dir: fileDir(t, test.file), Environ: strings.Split(test.env, " ")}
			w := world{env: env, args: test.args}.run(t)
			printed := world{env: env, args: append([]string{"--print-config"}, test.args...)}.run(t)
			help := world{env: env, args: []string{"--help"}}.run(t)
			all := w.out + printed.out + help.out + w.worker.String() + strings.Join(w.worker.Warnings, "\n") + spelled(w.worker)
			for _, err := range []error{w.err, printed.err, help.err} {
				if err != nil {
					all += err.Error()
				}
			}
			if strings.Contains(all, "c4na") {
				t.Errorf("the secret is shown:\n%s", all)
			}
			if refused := errors.Is(w.err, ErrUsage); refused != test.refused {
				t.Errorf("refused = %v (%v), want %v", refused, w.err, test.refused)
			}
			if !strings.Contains(all, test.want) {
				t.Errorf("nothing says %q in\n%s", test.want, all)
			}
		})
	}
}

func TestCoordinatorCommand(t *testing.T) {
	t.Parallel()
	call := func(env Env, args ...string) (got Coordinator, out string, err error) {
		env.Dir = t.TempDir()
		root := CoordinatorCommand(env, Subcommand{Name: "export", Short: "write records to a file", Set: InExport,
			Run: func(_ context.Context, c Coordinator) error { got = c; return nil }},
			Subcommand{Name: "schema", Short: "print the tables", Set: InSchema,
				Run: func(_ context.Context, c Coordinator) error { got = c; return nil }})
		var b strings.Builder
		root.SetOut(&b)
		root.SetErr(&b)
		root.SetArgs(args)
		err = root.ExecuteContext(t.Context())
		return got, b.String(), err
	}
	c, _, err := call(Env{Environ: []string{"SHOAL_STORE=sqlite:a.db", "SHOAL_RATE=0"}}, "export", "--to", "x.csv")
	if err != nil || c.Store != "sqlite:a.db" || c.To != "x.csv" || c.Table != "records" {
		t.Errorf("export = %+v, %v, want store sqlite:a.db, to x.csv, table records", c, err)
	}
	if _, out, err := call(Env{}); err != nil || !strings.Contains(out, "export") || !strings.Contains(out, "most commands need only --store") {
		t.Errorf("coordinator = %q, %v, want its help", out, err)
	}
	if _, out, err := call(Env{}, "export", "--help"); err != nil || !strings.Contains(out, "--to FILE") || strings.Contains(out, "--rate") {
		t.Errorf("coordinator export --help = %q, %v, want its flags alone", out, err)
	}
	_, _, err = call(Env{}, "exprot")
	wantUsage(t, "coordinator exprot", err, "did you mean export?")
	_, _, err = call(Env{}, "export", "--rate", "5")
	wantUsage(t, "coordinator export --rate 5", err, "--rate")
	_, _, err = call(Env{}, "export", "--table", "x")
	wantUsage(t, "coordinator export --table x", err, "records or pages")
	if _, out, err := call(Env{}, "schema", "--print-config"); err != nil || !strings.Contains(out, "store: sqlite:shoal.db") {
		t.Errorf("coordinator schema --print-config = %q, %v, want the store", out, err)
	}
}
