package main

import "testing"

func TestChoose(t *testing.T) {
	t.Parallel()
	all, usual, left := attacks(), map[string]bool{}, len(onlyAll)
	for _, a := range choose(all, false, nil) {
		usual[a.name] = true
	}
	names := map[string]bool{}
	for _, a := range all {
		if names[a.name] {
			t.Errorf("two cases are named %q", a.name)
		}
		names[a.name] = true
		if onlyAll[a.name] {
			left--
		}
	}
	if left != 0 || len(usual) != len(all)-len(onlyAll) {
		t.Errorf("%d of the cases that a usual run leaves out do not exist; it has %d of %d", left, len(usual), len(all))
	}
	if n := len(choose(all, true, nil)); n != len(all) {
		t.Errorf("-all has %d cases, want %d", n, len(all))
	}
	if one := choose(all, false, []string{"jq: combinations"}); len(one) != 1 {
		t.Errorf("choose(a name) = %d cases, want 1", len(one))
	}
}
