package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"shoal/internal/config"
	"shoal/internal/dataset"
	"shoal/internal/store"
)

// export streams rows into a file that appears under its name when it is complete.
func (p *program) export(ctx context.Context, set config.Coordinator) (err error) {
	form, err := formOf(set.To)
	if err != nil {
		return err
	}
	db, run, err := p.open(ctx, set, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	out, err := dataset.Create(ctx, set.To, p.screen(), set.Force)
	if errors.Is(err, dataset.ErrExists) || errors.Is(err, dataset.ErrTarget) {
		return config.Usagef("--to %v", err)
	}
	if err != nil {
		return err
	}
	what := store.What(set.Table)
	options := dataset.Options{Run: run.Name, Pages: what == store.PageRows, Envelope: set.Envelope, Unguarded: set.Formulas, Aside: out.Aside}
	rows, err := form.Write(ctx, out, options, func(each func(dataset.Row) error) error {
		return db.Export(ctx, store.Query{Run: run.Name, What: what}, func(row store.Row) error { return each(dataset.Row(row)) })
	})
	if errors.Is(err, dataset.ErrColumns) {
		err = config.Usagef("--to %s: %v", set.To, err)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("export run %s: %w", run.Name, err), out.Abandon())
	}
	if err := out.Commit(); errors.Is(err, dataset.ErrExists) {
		return config.Usagef("--to %v", err)
	} else if err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("%d %s of run %s written to %s", rows, set.Table, run.Name, out.Name))
	if rows == 0 && what == store.RecordRows && run.Extract == "" {
		p.console.Say("run " + run.Name + " was harvested without --extract, so it has no records: export --table pages, or make records with coordinator extract")
	}
	return nil
}

// formOf returns the form that the name has; JSON lines for a name without one, such as a pipe.
func formOf(name string) (dataset.Form, error) {
	if name == "" {
		return dataset.Form{}, config.Usagef("where to? Add --to FILE.jsonl.zst, FILE.jsonl or FILE.csv, or --to - for the screen")
	}
	form, ok := dataset.FormOf(name)
	if !ok && !dataset.IsStream(name) {
		return dataset.Form{}, config.Usagef("--to %s: the name has to end in the form: .jsonl or .csv, each also with .gz or .zst%s", name, packedOnly(name))
	}
	return form, nil
}

// packedOnly names the likely intention of a name that has only how it is packed.
func packedOnly(name string) string {
	for _, ending := range []string{".gz", ".zst"} {
		if base, ok := strings.CutSuffix(name, ending); ok {
			return ", such as " + base + ".jsonl" + ending
		}
	}
	return ""
}

// screen returns stdout for an export: a terminal shows what is visible, with the rest in JSON's
// escapes; a pipe gets the bytes as they came.
func (p *program) screen() io.Writer {
	if term.IsTerminal(int(p.stdout.Fd())) {
		return p.out
	}
	return p.stdout
}
