package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// counts are tests and subtests, each counted as one.
type counts struct{ passed, failed, skipped int }

// String returns the last line of a run.
func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// good reports whether something ran and all of it passed.
func (c counts) good() bool { return c.failed == 0 && c.skipped == 0 && c.passed > 0 }

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string
	FailedBuild                   string
	Elapsed                       float64
}

// pkg is what is known of a package whose tests run.
type pkg struct {
	counts
	// output of each test that has not passed; "" is the package's own.
	output  map[string]*strings.Builder
	running map[string]bool
}

// printer turns events into text.
type printer struct {
	out    io.Writer
	total  counts
	pkgs   map[string]*pkg
	builds map[string]*strings.Builder
}

// report reads events to their end and prints each package as it ends.
func report(events io.Reader, out io.Writer) (counts, error) {
	t := &printer{out: out, pkgs: map[string]*pkg{}, builds: map[string]*strings.Builder{}}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(out, "%s", line) // output of the go command itself
			} else {
				t.take(e)
			}
		}
		if err == io.EOF {
			t.leftovers()
			return t.total, nil
		}
		if err != nil {
			return t.total, fmt.Errorf("read the output of go test: %w", err)
		}
	}
}

func (t *printer) take(e event) {
	if e.Action == "build-output" {
		keep(t.builds, e.ImportPath, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := t.pkgs[e.Package]
	if p == nil {
		p = &pkg{output: map[string]*strings.Builder{}, running: map[string]bool{}}
		t.pkgs[e.Package] = p
	}
	switch {
	case e.Action == "output":
		keep(p.output, e.Test, e.Output)
	case e.Action == "run":
		p.running[e.Test] = true
	case e.Test == "":
		t.packageEnded(p, e)
	default:
		p.testEnded(e)
	}
}

func keep(texts map[string]*strings.Builder, name, text string) {
	if texts[name] == nil {
		texts[name] = &strings.Builder{}
	}
	texts[name].WriteString(text)
}

func (p *pkg) testEnded(e event) {
	switch e.Action {
	case "pass":
		p.passed++
		delete(p.output, e.Test)
	case "fail":
		p.failed++
	case "skip":
		p.skipped++
	default:
		return // paused, continued, a benchmark's figure
	}
	delete(p.running, e.Test)
}

// packageEnded prints a package's line, and the output of what did not pass in it.
func (t *printer) packageEnded(p *pkg, e event) {
	if e.Action != "pass" && e.Action != "fail" && e.Action != "skip" {
		return
	}
	t.settle(p, e.Action == "fail")
	delete(t.pkgs, e.Package)
	switch {
	case e.Action == "skip" && p.counts == counts{}:
		fmt.Fprintf(t.out, "-     %s (no tests)\n", e.Package)
		return
	case p.failed > 0:
		fmt.Fprintf(t.out, "FAIL  %s: %v, %.1f s\n", e.Package, p.counts, e.Elapsed)
	default:
		fmt.Fprintf(t.out, "ok    %s: %v, %.1f s\n", e.Package, p.counts, e.Elapsed)
	}
	if b := t.builds[e.FailedBuild]; b != nil {
		fmt.Fprint(t.out, b)
		delete(t.builds, e.FailedBuild) // several packages may fail by one build: once is enough
	}
	if p.failed > 0 || p.skipped > 0 {
		p.print(t.out)
	}
}

// settle counts what never ended (a panic and a timeout end the process) and a failure that belongs
// to no test.
func (t *printer) settle(p *pkg, failed bool) {
	p.failed += len(p.running)
	if failed && p.failed == 0 {
		p.failed = 1
	}
	t.total.passed += p.passed
	t.total.failed += p.failed
	t.total.skipped += p.skipped
}

func (p *pkg) print(out io.Writer) {
	names := make([]string, 0, len(p.output))
	for name := range p.output {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprint(out, p.output[name])
	}
}

// leftovers counts packages without an end, because go test itself was ended.
func (t *printer) leftovers() {
	for name, p := range t.pkgs {
		t.settle(p, true)
		fmt.Fprintf(t.out, "FAIL  %s: did not end; %v\n", name, p.counts)
		p.print(t.out)
	}
}
