package exchange

import (
	"errors"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

func TestDetailSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	html := harvest.Reading{Cause: errors.New("it is HTML, titled “Sign in”")}
	for _, c := range []struct {
		reading         harvest.Reading
		beginning, want string
	}{
		{html, "<html>", "it is HTML, titled “Sign in”\n<html>"},
		{html, "", "it is HTML, titled “Sign in”"},
		{harvest.Reading{}, "not found", "not found"},
	} {
		if got := Detailed(c.reading, c.beginning); got != c.want {
			t.Errorf("Detailed(%v, %q) = %q, want %q", c.reading.Cause, c.beginning, got, c.want)
		}
	}
	if got := Detailed(html, strings.Repeat("ä", harvest.MaxDetail)); len(got) > harvest.MaxDetail+2 || !strings.HasPrefix(got, "it is HTML") {
		t.Errorf("detailed with a long answer has %d bytes, want about %d that begin with the sentence", len(got), harvest.MaxDetail)
	}
}
