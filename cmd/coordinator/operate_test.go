package main

import "testing"

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
