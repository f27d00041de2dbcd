package testenv

import (
	"errors"
	"fmt"
	"testing"
)

// verdict is a testing.TB that notes how it was ended.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper() {}

func (v *verdict) Skipf(format string, args ...any) { v.end("skip", format, args) }

func (v *verdict) Fatalf(format string, args ...any) { v.end("fail", format, args) }

// end keeps only the first call: the real methods do not return, so there would be no second one.
func (v *verdict) end(how, format string, args []any) {
	if v.said == "" {
		v.said = how + ": " + fmt.Sprintf(format, args...)
	}
}

func TestGiveUpSkipsOnALaptopAndFailsInCI(t *testing.T) {
	missing := fmt.Errorf("redis-server: %w", errNotInstalled)
	for _, c := range []struct {
		ci, strict string
		err        error
		want       string
	}{
		{"", "", missing, "skip: skipped: redis-server: not installed (scripts/test installs what the tests need)"},
		{"true", "", missing, "fail: testenv: redis-server: not installed"},
		{"", "1", missing, "fail: testenv: redis-server: not installed"},
		{"", "", errors.New("it burns"), "fail: testenv: it burns"},
	} {
		t.Setenv("CI", c.ci)
		t.Setenv("SHOAL_TEST_STRICT", c.strict)
		v := &verdict{}
		giveUp(v, c.err)
		if v.said != c.want {
			t.Errorf("giveUp(%v) with CI=%q, SHOAL_TEST_STRICT=%q: %q, want %q", c.err, c.ci, c.strict, v.said, c.want)
		}
	}
}
