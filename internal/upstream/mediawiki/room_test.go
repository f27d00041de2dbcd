package mediawiki

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// account has room for so many bytes; over is what it answers once it is full.
type account struct {
	room, held int64
	over       error
}

func (a *account) Grow(n int64) error {
	if a.held+n > a.room {
		return a.over
	}
	a.held += n
	return nil
}

func (a *account) Add(n int64) { a.held += n }
func (a *account) Close()      { a.held = 0 }

// The records of a debate are many times as large as its text, and many debates are in one answer.
func TestRecordsAreWeighedBeforeTheyAreMade(t *testing.T) {
	t.Parallel()
	made := 0
	u, err := New(Config{API: testAPI, Records: func(p Text) (records []harvest.Record, err error) {
		for range strings.Count(p.Content, "*") {
			if err := p.Grow(1 << 20); err != nil {
				return nil, err
			}
			made++
			records = append(records, harvest.Record{Kind: "comment"})
		}
		return records, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	stopped := fmt.Errorf("the program ends: %w", context.Canceled)
	tests := []struct {
		name  string
		stars [2]int
		items int
		over  error
		want  string
		fault harvest.Fault
		made  int
	}{
		{"all fit", [2]int{20, 20}, 2, harvest.ErrMemory, "landed; landed", harvest.FaultNone, 40},
		{"one is too large", [2]int{500, 0}, 1, harvest.ErrMemory, "skipped too_many_values", harvest.FaultNone, 50},
		{"both are too large together", [2]int{40, 40}, 2, harvest.ErrMemory, "", harvest.FaultUndecodable, 50},
		{"the caller has stopped waiting", [2]int{500, 0}, 1, stopped, "", harvest.FaultReset, 50},
	}
	for _, tt := range tests {
		items := titles(t, "A", "B")[:tt.items]
		body := `{"query":{"pages":[` + rev(1, "A", strings.Repeat("*", tt.stars[0])) + "," + rev(2, "B", strings.Repeat("*", tt.stars[1])) + `]}}`
		memory := &account{room: 50<<20 + 1<<19, over: tt.over}
		a := harvest.NewAnswer(harvest.Answer{Status: 200, Header: http.Header{}, Body: []byte(body), Arrived: time.Unix(1, 0), Memory: memory}, nil)
		made = 0
		r := u.Read(ask(t, u, items), a)
		got := ""
		if len(r.Pages) > 0 {
			got = ends(r, items)
		}
		if got != tt.want || r.Fault != tt.fault || made != tt.made || memory.held != 0 {
			t.Errorf("%s: Read() = %q, fault %q, after %d records, and keeps %d bytes, want %q, %q, %d, 0", tt.name, got, r.Fault, made, memory.held, tt.want, tt.fault, tt.made)
		}
	}
}
