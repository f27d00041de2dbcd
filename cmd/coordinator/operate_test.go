package main

import (
	"strings"
	"testing"

	"shoal/internal/harvest"
)

func TestChooseHost(t *testing.T) {
	runs := []harvest.Run{
		{Name: "c", Inputs: harvest.Inputs{Host: "a.example:8443"}},
		{Name: "b", Inputs: harvest.Inputs{Host: "a.example:8444"}},
		{Name: "a", Inputs: harvest.Inputs{Host: "b.example"}},
		{Name: "9", Inputs: harvest.Inputs{Host: "b.example:81"}},
		{Name: "8", Inputs: harvest.Inputs{Host: "c.example:82"}},
		{Name: "7", Inputs: harvest.Inputs{Host: "c.example:82"}},
	}
	for said, want := range map[string]string{
		"a.example:8444": "a.example:8444", "B.Example": "b.example", "c.example": "c.example:82",
		"a.example": "which of a.example:8443, a.example:8444", "d.example": "no run in the store",
	} {
		host, err := chooseHost(runs, said)
		if host != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("chooseHost(%q) = %q, %v, want %s", said, host, err, want)
		}
	}
}

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"*/talk/*", "https://a.example/talk/7", true},
		{"*/talk/*", "https://a.example/walk/7", false},
		{"https://a.example/*", "https://a.example/talk/7", true},
		{"https://a.example/*", "http://a.example/talk/7", false},
		{"*7", "https://a.example/77", true},
		{"7", "77", false},
		{"77", "77", true},
		{"7*7", "7", false},
		{"*a*b*", "xaybz", true},
		{"*a*b*", "xbyaz", false},
		{"", "", true},
	}
	for _, test := range tests {
		if got := glob(test.pattern, test.text); got != test.want {
			t.Errorf("glob(%q, %q) = %t, want %t", test.pattern, test.text, got, test.want)
		}
	}
}
