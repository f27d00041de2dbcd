package harvest

import "testing"

func TestDropParam(t *testing.T) {
	for ref, want := range map[string]string{
		"https://a.example/i?api_key=ab&page=2":   "https://a.example/i?page=2",
		"https://a.example/i?page=2&api_key=ab#x": "https://a.example/i?page=2#x",
		"/i?api_key=ab":                                "/i",
		"?api%5Fkey=ab&a=b%26c&api_key":                "?a=b%26c",
		"https://a.example/api_key=ab?my_api_key=1&&b": "https://a.example/api_key=ab?my_api_key=1&&b",
		"https://a.example/i?":                         "https://a.example/i?",
		"7":                                            "7",
	} {
		if got := DropParam(ref, "api_key"); got != want {
			t.Errorf("DropParam(%s) = %s, want %s", ref, got, want)
		}
	}
}
