package main

import (
	"strings"
	"testing"
)

func TestTellCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		events string
		want   string
		shows  []string
		hides  []string
	}{
		{
			"tests and subtests count alike, passed ones are quiet",
			`{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"output","Package":"p","Test":"TestA/x","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.5}`,
			"2 passed, 0 failed, 0 skipped", []string{"ok    p: 2 passed, 0 failed, 0 skipped, 1.5 s"}, []string{"chatter"},
		},
		{
			"a failed and a skipped test are shown in full",
			`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"Fn(1) = 2, want 3\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"no server\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}`,
			"0 passed, 1 failed, 1 skipped", []string{"FAIL  p", "Fn(1) = 2, want 3", "no server"}, nil,
		},
		{
			"a package that does not build is one failure, with the compiler's words",
			`{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			"0 passed, 1 failed, 0 skipped", []string{"p.go:1: undefined: x", "[build failed]"}, nil,
		},
		{
			"tests that a panic cut off have failed",
			`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"panic: oh\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}`,
			"0 passed, 2 failed, 0 skipped", []string{"panic: oh"}, nil,
		},
		{
			"a package without tests is no skip",
			`{"Action":"output","Package":"p","Output":"?\tp\t[no test files]\n"}
{"Action":"skip","Package":"p"}`,
			"0 passed, 0 failed, 0 skipped", []string{"-     p (no tests)"}, nil,
		},
		{
			"a run that was ended has failed",
			`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}`,
			"1 passed, 1 failed, 0 skipped", []string{"did not end"}, nil,
		},
		{"words of the go command pass through", "go: no such package\n", "0 passed, 0 failed, 0 skipped", []string{"go: no such package"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			got, err := report(strings.NewReader(c.events), &out)
			if err != nil || got.String() != c.want {
				t.Errorf("report() = %q, %v, want %q, nil", got, err, c.want)
			}
			for _, text := range c.shows {
				if !strings.Contains(out.String(), text) {
					t.Errorf("report() printed %q, want %q in it", out.String(), text)
				}
			}
			for _, text := range c.hides {
				if strings.Contains(out.String(), text) {
					t.Errorf("report() printed %q, want no %q in it", out.String(), text)
				}
			}
		})
	}
}

func TestGoodIsSomethingRunAndAllPassed(t *testing.T) {
	t.Parallel()
	for c, want := range map[counts]bool{
		{}: false, {passed: 1}: true, {passed: 1, failed: 1}: false, {passed: 1, skipped: 1}: false,
	} {
		if got := c.good(); got != want {
			t.Errorf("good(%v) = %v, want %v", c, got, want)
		}
	}
}
