package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"shoal/cmd/internal/console"
	"shoal/cmd/internal/exits"
	"strings"

	"shoal/cmd/internal/observe"
	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
)

// env returns the process around a command that reads a corpus. It ends itself after the first
// signal.
func (p *program) env(set config.Worker) wire.Env {
	return p.envWith(console.New, set)
}

// scriptEnv is env for a command whose sentences are lines of JSON with --json.
func (p *program) scriptEnv(set config.Worker) wire.Env {
	if set.JSON {
		return p.envWith(console.NewJSON, set)
	}
	return p.env(set)
}

func (p *program) envWith(open openConsole, set config.Worker) wire.Env {
	p.gentle.Store(true)
	p.console = open(p.stdout, p.talk, set.LogLevel, set.Progress)
	for _, sentence := range set.Warnings {
		p.console.Say("warning: " + sentence)
	}
	if file := set.FoundFile(); file != "" {
		p.console.Say("settings from " + file)
	}
	return wire.Env{Stdin: os.Stdin, Out: p.out, Log: p.console.Log, Version: console.Version(), Stop: p.signals.Stop, Say: p.console.Say}
}

// enumerate fills the run's corpus table, between whose steps it may be stopped.
func (p *program) enumerate(ctx context.Context, set config.Worker) error {
	env := p.scriptEnv(set)
	defer p.console.Close()
	return wire.Enumerate(ctx, env, set)
}

// lead leads a run to its end.
func (p *program) lead(ctx context.Context, set config.Worker) error {
	env := p.scriptEnv(set)
	defer p.console.Close()
	notices, err := observe.Notices(set, p.console.Log)
	if err != nil {
		return err
	}
	var last console.Watched
	stop, err := p.serve(set, &env, &last, notices.Start)
	if err != nil {
		return err
	}
	defer stop()
	stopExport, err := observe.Export(ctx, set, &env, &last, nil)
	if err != nil {
		return err
	}
	defer stopExport()
	led, err := wire.Lead(ctx, env, set)
	reason := "the run is finished"
	if err != nil {
		reason = harvest.Sentence(err)
	}
	p.console.End(reason, exits.Code(err, p.signals.Code()))
	defer func() {
		notices.Close(observe.Ending(led.Progress(console.Last(&last)), led.Report.Run != "", exits.Code(err, p.signals.Code()), err))
	}()
	if led.Report.Run != "" {
		p.console.Say(proved(led))
		if set.JSON {
			err = errors.Join(err, p.printJSON(led.Report))
		} else {
			p.console.Lines(strings.TrimSuffix(reportText(led.Report, 0), "\n"))
		}
	}
	if err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("run %s is finished: %s", led.Run.Name, counts(led.Totals)))
	for _, line := range wire.Next(set, wire.Outcome{Run: led.Run, Seen: led.Seen}) {
		p.console.Say("  " + line)
	}
	return nil
}

// serve shows the run on --status-addr, and to others that watch it.
func (p *program) serve(set config.Worker, env *wire.Env, last *console.Watched, more func(func() harvest.Progress)) (stop func(), err error) {
	bound, stop, err := observe.Serve(set, last, nil)
	if err != nil {
		return nil, err
	}
	env.Watch = func(get func() harvest.Progress) {
		last.Store(&get)
		if bound != "" {
			p.console.Say("status on " + bound)
		}
		p.console.Watch(get)
		more(get)
	}
	return stop, nil
}

// verify proves a run complete, or reports what is missing.
func (p *program) verify(ctx context.Context, set config.Worker) error {
	env := p.scriptEnv(set)
	defer p.console.Close()
	led, err := wire.Verify(ctx, env, set)
	if led.Proof.Entries > 0 {
		p.console.Say(proved(led))
	}
	if set.JSON && led.Proof.Entries > 0 {
		err = errors.Join(err, p.printJSON(proofOf(led)))
	}
	if err == nil {
		p.console.Say(fmt.Sprintf("run %s is complete: %s", led.Run.Name, counts(led.Totals)))
	}
	return err
}

// proofLine is coordinator verify. Scripts rely on the names of its JSON.
type proofLine struct {
	Run      string `json:"run"`
	Complete bool   `json:"complete"`
	Lines    int64  `json:"corpus_lines"`
	Items    int64  `json:"corpus_items"`
	Rejected int64  `json:"rejected"`
	Ended    int64  `json:"ended"`
	Missing  int64  `json:"not_ended"`
	Extra    int64  `json:"not_in_corpus"`
}

func proofOf(led wire.Led) proofLine {
	p := led.Proof
	return proofLine{
		Run: led.Run.Name, Complete: p.Whole(), Lines: p.Entries, Items: p.Distinct, Rejected: p.Rejected, Ended: p.Ended, Missing: p.Missing, Extra: p.Extra,
	}
}

// proved describes what was compared.
func proved(led wire.Led) string {
	p := led.Proof
	left := "have"
	if p.Missing == 1 {
		left = "has"
	}
	return fmt.Sprintf("run %s: %d lines of its corpus are %d items, %d items have ended; %d %s not ended, %d are strangers", led.Run.Name, p.Entries, p.Distinct, p.Ended, p.Missing, left, p.Extra)
}

// counts are the outcomes in words.
func counts(c harvest.Counts) string {
	return fmt.Sprintf("%d landed, %d missing, %d skipped, %d dead, %d rejected", c.Landed, c.Missing, c.Skipped, c.Dead, c.Rejected)
}
