package canary

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

func key(n int) harvest.Key { return harvest.KeyOf(fmt.Sprintf("http://api.test/%d", n)) }

// attempt makes attempts at items, one after the other, in the letters of a table: L landed, S
// skipped by an expression, M missing, R refused because of who we are, F an answer that no API
// sends, P failed and to be tried again.
func attempt(c *Canary, n int, what rune) (verdict retry.Verdict, released []harvest.Page) {
	item := harvest.Item{Key: key(n), URL: fmt.Sprintf("http://api.test/%d", n)}
	page := harvest.Page{Key: item.Key, URL: item.URL}
	d, reading := retry.Decision{Verb: retry.Skip, Class: retry.ClassEnded, Source: "http_404"}, harvest.Reading{}
	switch what {
	case 'L', 'S':
		page.Outcome = map[rune]harvest.Outcome{'L': harvest.Landed, 'S': harvest.Skipped}[what]
		d, reading = retry.Decision{Verb: retry.Accept, Class: retry.ClassAccepted}, harvest.Reading{Pages: []harvest.Page{page}}
	case 'R':
		page.Status = http.StatusForbidden
		d.Class, d.Source = retry.ClassRefused, "http_403"
	case 'F':
		d.Class, reading = retry.ClassForeign, harvest.Reading{Cause: errors.New("it is HTML")}
	case 'P':
		d.Verb, d.Class = retry.Again, retry.ClassNone
	}
	verdict, released = c.Observe([]harvest.Item{item}, d, reading)
	if verdict.Hold && what != 'P' && page.Outcome != harvest.Landed {
		c.Hold(page)
	}
	return verdict, released
}

// What attempts in a row mean for the pages that did not land.
func TestCanary(t *testing.T) {
	t.Parallel()
	fresh, off, later, patient := Settings{Fresh: true}, Settings{Off: true, Fresh: true}, Settings{}, Settings{Fresh: true, Patient: true}
	for _, c := range []struct {
		name     string
		settings Settings
		attempts string
		stop     retry.Stop // of the last attempt
		held     int        // in the end
		released int
		unproven retry.Stop // when nothing more comes
	}{
		{"nothing", fresh, "", "", 0, 0, ""},
		{"a page that landed", fresh, "L", "", 0, 0, ""},
		{"missing before anything landed", fresh, "MMM", "", 3, 0, retry.StopCanary},
		{"an expression that always fails", fresh, "SSS", "", 3, 0, retry.StopCanary},
		{"missing, and then one that landed", fresh, "MMML", "", 0, 3, ""},
		{"missing after one that landed", fresh, "LMMM", "", 0, 0, ""},
		{"the hundredth", fresh, strings.Repeat("M", 100), retry.StopCanary, 100, 0, retry.StopCanary},
		{"the hundredth where others are asked", patient, strings.Repeat("M", 100), "", 100, 0, retry.StopCanary},
		{"of a run in which something has landed", later, "MMM", "", 0, 0, ""},
		{"of an operator who wants no canary", off, strings.Repeat("M", 200), "", 0, 0, ""},
		{"refusals", fresh, "RRR", "", 3, 0, retry.StopRefused},
		{"refusals later", later, "RRR", "", 3, 0, retry.StopRefused},
		{"the twentieth refusal", later, strings.Repeat("R", 20), retry.StopRefused, 20, 0, retry.StopRefused},
		{"refusals, and then one that landed", later, "RRRL", "", 0, 3, ""},
		{"no API's answers", fresh, "FFF", "", 3, 0, retry.StopForeign},
		{"the fourth of them", fresh, "FFFF", retry.StopForeign, 4, 0, retry.StopForeign},
		{"of an operator who wants no canary either", off, "FFFF", retry.StopForeign, 4, 0, retry.StopForeign},
		{"tries that are to be repeated", fresh, "PPP", "", 0, 0, ""},
		{"a success after a stop releases nothing", fresh, "FFFFL", "", 4, 0, retry.StopForeign},
	} {
		canary, released := New(c.settings), 0
		var verdict retry.Verdict
		for n, what := range c.attempts {
			var pages []harvest.Page
			verdict, pages = attempt(canary, n, what)
			released += len(pages)
		}
		if verdict.Stop != c.stop || canary.Held() != c.held || released != c.released || canary.Unproven() != c.unproven {
			t.Errorf("%s: stop %q with %d held, %d released, unproven %q, want %q, %d, %d, %q",
				c.name, verdict.Stop, canary.Held(), released, canary.Unproven(), c.stop, c.held, c.released, c.unproven)
		}
	}
}

// A step of a listing is judged as an item is, and its page held in the same way.
func TestObserveStep(t *testing.T) {
	t.Parallel()
	c := New(Settings{Fresh: true, Patient: true})
	for n := range 120 {
		page := harvest.Page{Key: key(n), Outcome: harvest.Missing}
		if verdict, _ := c.ObserveStep(&page, retry.ClassEnded, "404"); !verdict.Hold || verdict.Stop != "" {
			t.Fatalf("step %d: %+v, want it held and nothing stopped", n, verdict)
		}
	}
	if stop := c.Unproven(); stop != retry.StopCanary || len(c.Examples()) != MaxExamples {
		t.Errorf("Unproven() = %q with %d examples, want the canary and %d", stop, len(c.Examples()), MaxExamples)
	}
	refused := harvest.Page{Key: key(200), Outcome: harvest.Skipped}
	c.ObserveStep(&refused, retry.ClassRefused, "TLS")
	if stop := c.Unproven(); stop != retry.StopRefused {
		t.Errorf("Unproven() = %q after a refusal, want that", stop)
	}
	landed := harvest.Page{Key: key(201), Outcome: harvest.Landed}
	if verdict, released := c.ObserveStep(&landed, retry.ClassAccepted, ""); verdict.Hold || len(released) != 121 || c.Unproven() != "" || len(c.Examples()) != 0 {
		t.Errorf("a step that landed: %+v released %d of 121, %q", verdict, len(released), c.Examples())
	}
}

// Others may vouch for what looks like a mistake of ours.
func TestVouch(t *testing.T) {
	t.Parallel()
	c := New(Settings{Fresh: true})
	for n := range 100 {
		attempt(c, n, 'M')
	}
	if released := c.Vouch(); len(released) != 100 || c.Unproven() != "" || !c.Proven() || !c.Expected() {
		t.Errorf("Vouch() released %d of 100, unproven %q", len(released), c.Unproven())
	}
	if verdict, _ := attempt(c, 200, 'M'); verdict.Hold || verdict.Stop != "" {
		t.Errorf("the attempt after = %+v, want nothing held", verdict)
	}
}

// The bodies of pages that are held take a bounded amount of memory, which is their own.
func TestHeldBodiesAreBounded(t *testing.T) {
	t.Parallel()
	c := New(Settings{Fresh: true})
	body := make([]byte, maxHeld/4)
	for n := range 8 {
		c.Hold(harvest.Page{Key: key(n), Body: body})
	}
	kept := 0
	for _, page := range c.Rest() {
		switch {
		case page.Body == nil && !strings.Contains(page.Detail, "its body is not kept"):
			t.Errorf("page %s lost its body and does not say so", page.Key)
		case page.Body != nil && &page.Body[0] == &body[0]:
			t.Error("a page that is held shares the memory of its answer")
		case page.Body != nil:
			kept++
		}
	}
	if kept != 4 {
		t.Errorf("%d bodies kept, want the 4 that fit", kept)
	}
}
