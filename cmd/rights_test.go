package cmd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"shoal/internal/fakeapi"
	"shoal/internal/testenv"
)

// A Redis that takes our permissions away in the middle of a run is a wrong setting, and not an
// outage; if they are back soon, the worker waits for them.
func TestRightsOnRedisThatAreLostInMidRun(t *testing.T) {
	t.Parallel()
	const all = "reset on >pw +@all ~shoal:* &shoal:*"
	for name, row := range map[string]struct {
		listing     bool
		lost, again string // rules of the user; again: two seconds later
		kill        bool   // its connections are cut
		code        int
		want        string
	}{
		"the pace scripts":               {lost: "-evalsha -eval", code: 2, want: "allow +eval"},
		"all commands, a listing":        {listing: true, lost: "-@all", code: 2, want: "allow +eval"},
		"the keys":                       {lost: "resetkeys ~other:*", code: 2, want: "~shoal:*"},
		"another password":               {lost: "resetpass >other", kill: true, code: 2, want: "WRONGPASS"},
		"given back, as an operator may": {lost: "-@all", again: all, code: 0, want: "the run is finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testenv.Redis(t)
			options, err := redis.ParseURL(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			admin := redis.NewClient(options)
			defer func() { _ = admin.Close() }()
			set := func(rules string) {
				args := []any{"ACL", "SETUSER", "shoal"}
				for _, rule := range strings.Fields(rules) {
					args = append(args, rule)
				}
				if err := admin.Do(t.Context(), args...).Err(); err != nil {
					t.Error(err)
				}
			}
			set(all)
			api, args, env := limited(t, row.listing)
			cmd := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/worker"), args...)
			var said strings.Builder
			cmd.Env = append(append(os.Environ(), env...), "SHOAL_REDIS=redis://shoal:pw@"+options.Addr)
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			until(t, ended, &said, func() bool { return api.Count() >= 30 })
			set(row.lost)
			if row.kill {
				admin.Do(t.Context(), "CLIENT", "KILL", "USER", "shoal")
			}
			if row.again != "" {
				time.AfterFunc(2*time.Second, func() { set(row.again) })
			}
			lost, at := api.Count(), time.Now()
			select {
			case err = <-ended:
			case <-time.After(time.Minute):
				_ = cmd.Process.Kill()
				t.Fatalf("the worker has not ended after a minute\n%s", said.String())
			}
			code := 0
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				code = exit.ExitCode()
			}
			if code != row.code || !strings.Contains(said.String(), row.want) {
				t.Errorf("the worker ended after %v with code %d, want %d and %q\n%s", time.Since(at), code, row.code, row.want, said.String())
			}
			if more := api.Count() - lost; row.code != 0 && more > 120 { // what was leased: two seconds of it
				t.Errorf("%d requests were sent without the budget of the fleet, want at most those that were leased", more)
			}
		})
	}
}

// limited is an upstream, and the arguments and the environment of a worker that needs some twenty
// seconds for it.
func limited(t *testing.T, listing bool) (api *fakeapi.Server, args, env []string) {
	t.Helper()
	api, err := fakeapi.New(fakeapi.Options{Behaviour: fakeapi.Behaviour{Items: 1000, Partner: listing}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	dir := t.TempDir()
	ca, err := api.CAFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	args = []string{"--run", "r", "--rate", "50", "--store", "sqlite:" + filepath.Join(dir, "shoal.db"), "--progress", "none", "--patience", "0"}
	if listing {
		return api, append(args, "--corpus", "list:"+api.URL+"/v1/items?limit=1&cursor={cursor}", "--next", ".next_cursor"), []string{"SHOAL_CA=" + ca}
	}
	var urls strings.Builder
	for i := range 500 {
		fmt.Fprintf(&urls, "%s/items/%d\n", api.URL, i)
	}
	corpus := filepath.Join(dir, "urls.txt")
	if err := os.WriteFile(corpus, []byte(urls.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return api, append(args, "--corpus", corpus), []string{"SHOAL_CA=" + ca}
}

// until waits for what a worker brings about.
func until(t *testing.T, ended <-chan error, said fmt.Stringer, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case err := <-ended:
			t.Fatalf("the worker ended early: %v\n%s", err, said)
		case <-tick.C:
		}
	}
}
