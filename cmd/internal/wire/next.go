package wire

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"strings"
)

// Next returns the lines that lead from a harvest to its data.
func Next(set config.Worker, out Outcome) []string {
	run := out.Run.Name
	if run == "" {
		return nil
	}
	out.Seen.Run = run
	advice := status.Advice(out.Seen)
	if out.Seen.Landed == 0 { // there is nothing to export
		return advice
	}
	return append(advice, toData(set, out)...)
}

// examples adds how the run's items ended, and names some of those that did not land.
func (p *process) examples(ctx context.Context, s status.Seen, totals harvest.Counts) status.Seen {
	s.Landed, s.Missing, s.Skipped, s.Dead = totals.Landed, totals.Missing, totals.Skipped, totals.Dead
	named := func(outcome harvest.Outcome, n int64) (all []status.Example) {
		if n == 0 {
			return nil
		}
		query := store.Query{Run: p.run.Name, What: store.PageRows, Outcomes: []harvest.Outcome{outcome}, Limit: maxExamples}
		err := p.store.Export(ctx, query, func(row store.Row) error {
			all = append(all, status.Example{Item: cmp.Or(row.Page.ID, row.Page.URL), Reason: row.Page.Reason})
			return nil
		})
		if err != nil {
			p.Log.Debug("no examples of items", "outcome", outcome, "error", err)
		}
		return all
	}
	s.Failed, s.Passed = named(harvest.Dead, s.Dead), named(harvest.Skipped, s.Skipped)
	return s
}

// maxExamples is how many items are named.
const maxExamples = 5

// toData returns the commands that bring the data out.
func toData(set config.Worker, out Outcome) []string {
	run := out.Run.Name
	what := "records"
	if out.Run.Extract == "" {
		what = "pages"
	}
	export := Program("coordinator") + fmt.Sprintf(" export --run %s --table %s --to %s.jsonl.zst", run, what, run)
	query := fmt.Sprintf("select outcome, reason, count(*) from %%s where run = '%s' group by 1, 2", run)
	source := set.Source("store")
	if source.Kind == config.FromFlag { // a flag holds no password, see config
		export += " --store " + quote(set.Store)
	}
	kind, _ := kinds.Of(set.Store)
	if file, isFile := kinds.Path(set.Store); isFile {
		return []string{export, kind.Look(quote(file), query, "pages")}
	}
	address := quote(set.Store)
	if source.Kind == config.FromEnv {
		address = `"$` + source.Name + `"`
	}
	if source.Kind == config.FromFile { // it may hold a password
		address = "YOUR-DATABASE-URL"
	}
	return []string{export, kind.Look(address, query, "pages")}
}

// quote makes text one word of a POSIX shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Program returns how to call a program that is beside this one.
func Program(name string) string {
	if dir, _ := filepath.Split(os.Args[0]); dir != "" {
		return dir + name
	}
	return name
}
