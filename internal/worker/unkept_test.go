package worker

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"shoal/internal/harvest"
)

// The lines of items that a refusal holds back would bury its sentence; those that land are logged.
func TestWhatARefusalHoldsBackIsNotLogged(t *testing.T) {
	for _, landing := range []int{0, 2} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(numbered(8)...)
			r.Answer = func(_ int, url string) (*harvest.Answer, error) {
				if landing > 0 && strings.HasSuffix(url, "/7") {
					return status(200), nil
				}
				return status(400), nil
			}
			var lines bytes.Buffer
			w := r.worker(t, r.config())
			w.parts.Log = slog.New(slog.NewTextHandler(&lines, nil))
			_, err := w.Drain(t.Context(), nil)
			want := 7
			if landing == 0 {
				want = 0
			}
			if got := strings.Count(lines.String(), "item not kept"); got != want || errors.Is(err, ErrRefused) == (landing > 0) {
				t.Errorf("Drain() = %v with %d lines of items that were not kept, want %d", err, got, want)
			}
		})
	}
}
