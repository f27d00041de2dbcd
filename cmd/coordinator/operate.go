package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/harvest"
	"shoal/internal/runs"
	"shoal/internal/store"
	"shoal/internal/suspect"
)

// order is about a host, and about a run if one was named or is the only possible one.
type order struct {
	db    *store.Store
	host  string
	run   harvest.Run // the one that is meant, else any of the host's
	named bool        // the run is meant
}

// operate opens the store and finds what an order is about.
func (p *program) operate(ctx context.Context, set config.Coordinator, do func(o order) error) (err error) {
	db, err := wire.OpenStore(ctx, set.Store, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if set.Host == "" {
		run, err := runs.Pick(ctx, db, set.Run, time.Now())
		if err != nil {
			return err
		}
		return do(order{db, run.Host, run, true})
	}
	runs, err := db.ListRuns(ctx)
	if err != nil {
		return err
	}
	host, err := chooseHost(runs, set.Host)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Host == host && (set.Run == "" || run.Name == set.Run) })
	if at < 0 {
		return config.Usagef("--host %s has no run %s: leave one of the two out", host, harvest.Quote(set.Run))
	}
	return do(order{db, host, runs[at], set.Run != ""})
}

// chooseHost finds the intended host: by its whole name, or by its bare one if only one host has
// that.
func chooseHost(runs []harvest.Run, given string) (string, error) {
	given = strings.ToLower(given)
	var fit []string
	for _, run := range runs {
		bare, _, _ := strings.Cut(run.Host, ":")
		switch {
		case run.Host == given:
			return given, nil
		case bare == given && !slices.Contains(fit, run.Host):
			fit = append(fit, run.Host)
		}
	}
	switch len(fit) {
	case 0:
		return "", config.Usagef("--host %s: no run in the store is about it; coordinator runs shows their hosts", harvest.Quote(given))
	case 1:
		return fit[0], nil
	}
	slices.Sort(fit)
	return "", config.Usagef("--host %s: which of %s? Give it with its port", harvest.Quote(given), strings.Join(fit, ", "))
}

// operateRun is operate for an order about one run.
func (p *program) operateRun(ctx context.Context, set config.Coordinator, do func(db *store.Store, run harvest.Run) error) error {
	return p.operate(ctx, set, func(o order) error {
		if !o.named {
			return config.Usagef("--host %s: which run of it? Say --run", harvest.Quote(set.Host))
		}
		return do(o.db, o.run)
	})
}

// operator names the person who gives an order: user and machine.
func operator() string {
	name := "an operator"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return name + "@" + host
}

// pause prevents all workers from sending to the host, for a while or until resume.
func (p *program) pause(ctx context.Context, set config.Coordinator) error {
	length := harvest.Forever
	if set.Arg != "" {
		d, err := time.ParseDuration(set.Arg)
		if err != nil || d <= 0 {
			return config.Usagef("pause for how long? Write a time with its unit, such as 10m or 1h30m, or nothing for until coordinator resume")
		}
		length = d
	}
	return p.operate(ctx, set, func(o order) error {
		if err := o.db.Hold(ctx, o.host, length, operator()); err != nil {
			return err
		}
		p.tellRedis(set, func(r control.RateSetter) error { return r.Hold(ctx, o.host, control.HoldLength(length)) })
		until := "coordinator resume"
		if length > 0 {
			until = time.Now().Add(length).Format(time.DateTime)
		}
		p.console.Say(fmt.Sprintf("%s is left alone until %s: workers obey within a second; what is in flight comes in", o.host, until))
		return nil
	})
}

// resume ends a pause of the host, a silence that its upstream asked for, and a drain of the run if
// one is named.
func (p *program) resume(ctx context.Context, set config.Coordinator) error {
	return p.operate(ctx, set, func(o order) error {
		before, err := o.db.Control(ctx, o.run.Name)
		if err != nil {
			return err
		}
		drained := o.named && !before.DrainAt.IsZero()
		if before.Hold == 0 && !drained && before.Silence < time.Second && !set.Yes && !set.Force {
			p.console.Say(fmt.Sprintf("nothing to resume: %s is not paused%s", o.host, o.notDrained()))
			return nil
		}
		if before.Hold != 0 {
			if err := o.db.Hold(ctx, o.host, 0, operator()); err != nil {
				return err
			}
			p.tellRedis(set, func(r control.RateSetter) error { return r.Hold(ctx, o.host, 0) })
			p.console.Say(fmt.Sprintf("%s is asked again: its workers continue within a second", o.host))
		}
		if drained {
			if err := o.db.RequestDrain(ctx, o.run.Name, ""); err != nil {
				return err
			}
			p.console.Say(fmt.Sprintf("run %s is not drained any more: start its workers again", o.run.Name))
		}
		return p.lift(ctx, set, o, before)
	})
}

// lift ends the silence that the upstream asked for, after asking.
func (p *program) lift(ctx context.Context, set config.Coordinator, o order, before harvest.Control) error {
	sure := set.Yes || set.Force
	if before.Silence < time.Second && !sure {
		return nil
	}
	if !sure {
		sentence := fmt.Sprintf("%s asked for silence for another %s. An upstream that is asked before that may shut us out for longer.", o.host, harvest.Ago(before.Silence))
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			return config.Usagef("%s Nothing was sent so far: wait, or add --yes to end the silence", sentence)
		}
		fmt.Fprintf(p.talk, "%s\nType yes to end the silence now: ", sentence)
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // what was typed before the end counts
		if strings.TrimSpace(line) != "yes" {
			return config.Usagef("the silence of %s stays, because the answer was not yes: wait, or add --yes to end it without being asked", o.host)
		}
	}
	if err := o.db.Lift(ctx, o.host, operator()); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("the silence of %s is over: its workers send again within a few seconds", o.host))
	return nil
}

// tellRedis carries an order to workers that cannot ask the store at present. The store has it
// already.
func (p *program) tellRedis(set config.Coordinator, do func(r control.RateSetter) error) {
	if set.Redis == "" {
		return
	}
	if err := wire.Order(set.Redis, do); err != nil {
		p.console.Say(fmt.Sprintf("Redis does not have it, the store has: workers that are cut off from the store do not hear of it (%v)", err))
	}
}

// notDrained returns a sentence that the run is not drained.
func (o order) notDrained() string {
	if !o.named {
		return ""
	}
	return fmt.Sprintf(", and run %s is not drained", o.run.Name)
}

// rate sets the budget of the host for all workers.
func (p *program) rate(ctx context.Context, set config.Coordinator) error {
	rate, err := config.ParseRate(set.Arg)
	if err != nil {
		return config.Usagef("rate %s: %v", harvest.Quote(set.Arg), err)
	}
	return p.operate(ctx, set, func(o order) error {
		if err := set.CheckRate(o.host, rate); err != nil {
			return err
		}
		if err := o.db.SetRate(ctx, o.host, rate.String(), operator()); err != nil {
			return err
		}
		p.tellRedis(set, func(r control.RateSetter) error { return r.SetRate(ctx, o.host, rate.PerSecond, operator()) })
		p.console.Say(fmt.Sprintf("the budget of %s is %g/s for all workers together, from now on and for later runs: workers obey within a second", o.host, rate.PerSecond))
		return nil
	})
}

// drain stops the run's workers in good order.
func (p *program) drain(ctx context.Context, set config.Coordinator) error {
	return p.operateRun(ctx, set, func(db *store.Store, run harvest.Run) error {
		if err := db.RequestDrain(ctx, run.Name, operator()); err != nil {
			return err
		}
		p.console.Say(fmt.Sprintf("the workers of run %s land what is in flight and leave; none starts again before coordinator resume --run %s", run.Name, run.Name))
		return nil
	})
}

// retry puts items that did not land back.
func (p *program) retry(ctx context.Context, set config.Coordinator) error {
	return p.operateRun(ctx, set, func(db *store.Store, run harvest.Run) error {
		back, err := db.PutBack(ctx, run.Name, set.Outcomes, func(page harvest.Page) bool {
			return (set.Reason == "" || page.Reason == set.Reason) && (set.Status == 0 || page.Status == set.Status) &&
				(set.Match == "" || glob(set.Match, page.URL) || glob(set.Match, page.ID))
		})
		if err != nil {
			return err
		}
		forgiven, err := forgive(ctx, db, run.Name, set)
		if err != nil {
			return err
		}
		if forgiven > 0 {
			p.console.Say(fmt.Sprintf("run %s: %d steps of listings that are suspected_poison are put back; start its worker again", run.Name, forgiven))
		}
		if back.Items() == 0 && forgiven > 0 {
			return nil
		}
		if back.Items() == 0 {
			p.console.Say(fmt.Sprintf("run %s has no such item: coordinator report --run %s shows what it has", run.Name, run.Name))
			return nil
		}
		p.console.Say(fmt.Sprintf("run %s: %d dead, %d skipped and %d missing items are put back, and keep their outcome until the new one lands; start its workers again, and coordinator run where one led it", run.Name, back.Dead, back.Skipped, back.Missing))
		return nil
	})
}

// forgive requests those steps of listings again that have no page for their absence, since their
// listing names items. Only an order that is about them does so.
func forgive(ctx context.Context, db *store.Store, run string, set config.Coordinator) (int64, error) {
	about := slices.Contains(set.Outcomes, harvest.Dead) && (set.Reason == "" || set.Reason == suspect.Reason)
	if !about || set.Status != 0 || set.Match != "" {
		return 0, nil
	}
	return db.Forgive(ctx, run, suspect.MaxCrashes)
}

// glob matches a text in which * is any text, of any length and with slashes too.
func glob(pattern, text string) bool {
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, pieces[0])
	if !ok {
		return false
	}
	last := len(pieces) - 1
	for _, piece := range pieces[1:last] {
		_, after, found := strings.Cut(rest, piece)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, pieces[last])
}

// drop removes a run after asking for its name.
func (p *program) drop(ctx context.Context, set config.Coordinator) (err error) {
	switch {
	case set.Arg == "" && !set.Given("run"):
		return config.Usagef("coordinator drop needs its RUN, such as: coordinator drop 2025q4")
	case set.Arg != "" && set.Given("run") && set.Run != set.Arg:
		return config.Usagef("drop which run: %s, or --run %s? Leave one of the two out", harvest.Quote(set.Arg), set.Run)
	case set.Arg != "":
		set.Run = set.Arg
	}
	db, run, err := p.open(ctx, set, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	totals, err := db.Totals(ctx, run.Name)
	if err != nil {
		return err
	}
	if !set.Force {
		if err := p.confirm(run.Name, fmt.Sprintf("run %s, opened %s ago, holds %s: all of it is removed for good.", run.Name, harvest.Ago(time.Since(run.OpenedAt)), counts(totals))); err != nil {
			return err
		}
	}
	if err := db.DropRun(ctx, run.Name); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("run %s is removed from the store", run.Name))
	if set.Redis == "" {
		return nil
	}
	if err := wire.DropKeys(ctx, set.Redis, run); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("the keys of run %s are removed from Redis", run.Name))
	return nil
}

// confirm requires the word to be typed.
func (p *program) confirm(word, sentence string) error {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return config.Usagef("%s There is no terminal to ask at: add --force", sentence)
	}
	fmt.Fprint(p.talk, harvest.Linef("%s\nType its name to continue: ", sentence))
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // what was typed before the end counts
	if strings.TrimSpace(line) != word {
		return config.Usagef("nothing was removed: that is not the name of the run, which is %s", word)
	}
	return nil
}
