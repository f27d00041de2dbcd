package worker

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"shoal/internal/canary"
	"shoal/internal/harvest"
)

// packUpstream requests several items at once: the URL holds their ids, and an answer's body those
// that it has.
type packUpstream struct {
	rigUpstream
	most int
}

const packURL = "http://api.test/batch?ids="

func idOf(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func idsOf(url string) []string { return strings.Split(strings.TrimPrefix(url, packURL), ",") }

func (u packUpstream) Fits(pack []harvest.Item, _ harvest.Item) bool { return len(pack) < u.most }

func (u packUpstream) Request(items []harvest.Item) (*harvest.Request, error) {
	var ids []string
	for _, item := range items {
		ids = append(ids, idOf(item.URL))
	}
	return &harvest.Request{Items: items, Method: "GET", URL: packURL + strings.Join(ids, ",")}, nil
}

// unexpectedBody is the body of an answer that does not match the settings.
const unexpectedBody = "unexpected"

func (u packUpstream) Read(request *harvest.Request, a *harvest.Answer) (r harvest.Reading) {
	if string(a.Body) == unexpectedBody {
		return harvest.Reading{Fault: harvest.FaultUnexpected, Reason: "split_failed", Cause: errors.New("cannot iterate over: null")}
	}
	there := strings.Split(string(a.Body), ",")
	for _, item := range request.Items {
		if slices.Contains(there, idOf(item.URL)) {
			r.Pages = append(r.Pages, harvest.Page{Key: item.Key, URL: item.URL, Outcome: harvest.Landed, Status: a.Status})
		} else {
			r.Unfinished = append(r.Unfinished, item)
		}
	}
	return r
}

// drainPacks runs the rig's worker with packs; answer returns which of the ids an answer has.
func drainPacks(t *testing.T, r *rig, pack int, answer func(ids []string) *harvest.Answer) error {
	t.Helper()
	r.Answer = func(_ int, url string) (*harvest.Answer, error) { return answer(idsOf(url)), nil }
	c := r.config()
	c.Pack = pack
	w := r.worker(t, c)
	w.parts.Upstream = packUpstream{most: pack}
	_, err := w.Drain(t.Context(), nil)
	if r.Bodies != 0 {
		t.Errorf("%d bodies were never released", r.Bodies)
	}
	return err
}

func body(text string) *harvest.Answer {
	answer := status(200)
	answer.Body = []byte(text)
	return answer
}

func TestWrongSettingsAreStoppedByTheCanaryAndAreNoOutage(t *testing.T) {
	for _, c := range []struct {
		name   string
		pack   int
		answer func(ids []string) *harvest.Answer
		says   string
		most   int // requests
	}{
		{"a wrong --check", 1, func([]string) *harvest.Answer { return body(unexpectedBody) }, "cannot iterate", 400},
		{"a wrong --split", 50, func([]string) *harvest.Answer { return body(unexpectedBody) }, "cannot iterate", 2*98 + 400},
		{"a wrong --id", 50, func([]string) *harvest.Answer { return body("x") }, "unfinished", 4 + 400},
		{"a wrong path", 100, func([]string) *harvest.Answer { return status(404) }, "http_404", 199},
		{"a wrong parameter, in packs of 500", 500, func([]string) *harvest.Answer { return status(400) }, "http_400", 199},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(1999)...)
				r.Forgiven = true // by an outage that others see: it excuses none of this
				err := drainPacks(t, r, c.pack, c.answer)
				if !errors.Is(err, ErrRefused) || strings.Count(err.Error(), "http://api.test/items/") != canary.MaxExamples || !strings.Contains(err.Error(), c.says) {
					t.Errorf("Drain() = %v, want ErrRefused with %d examples that say %q", err, canary.MaxExamples, c.says)
				}
				if len(r.pages) != 0 || r.Bad != 0 {
					t.Errorf("%d pages recorded and %d failures reported to pace, want none", len(r.pages), r.Bad)
				}
				if r.sent() > c.most {
					t.Errorf("it took %d requests, want at most %d", r.sent(), c.most)
				}
			})
		})
	}
}

func TestAnAnswerThatSettingsDoNotExpectIsASignOfAnOutageOnceSomethingLanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(40)...)
		err := drainPacks(t, r, 1, func(ids []string) *harvest.Answer {
			if len(ids[0]) > 1 && ids[0] >= "20" && r.Sends[packURL+ids[0]] == 1 { // its first try
				return body(unexpectedBody)
			}
			return body(ids[0])
		})
		if err != nil || len(r.pages) != 40 || r.Bad == 0 {
			t.Errorf("Drain() = %v with %d pages and %d failures reported to pace, want 40 and some", err, len(r.pages), r.Bad)
		}
	})
}

func TestOnePoisonousItemInTheFirstPackStopsNothing(t *testing.T) {
	for _, poison := range []string{"0", "57", "99"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(numbered(1999)...)
			err := drainPacks(t, r, 100, func(ids []string) *harvest.Answer {
				if slices.Contains(ids, poison) {
					return status(500)
				}
				return body(strings.Join(ids, ","))
			})
			if count := r.outcomes(); err != nil || count[harvest.Landed] != 1998 || count[harvest.Dead] != 1 {
				t.Errorf("Drain() = %v with %v, want all landed but item %s", err, count, poison)
			}
			// 20 packs; seven halvings of one of them, each half tried twice; four tries of the
			// item.
			if r.sent() > 20+1+7*3+4 {
				t.Errorf("it took %d requests, want at most 46", r.sent())
			}
		})
	}
}

func TestAttemptsAreTheRequestsThatAnItemWasIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(40)...)
		err := drainPacks(t, r, 10, func(ids []string) *harvest.Answer { // 3 is in no answer, 5 in answers to it only
			return body(strings.Join(slices.DeleteFunc(ids, func(id string) bool { return id == "3" || id == "5" && len(ids) > 1 }), ","))
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[int]int{0: 1, 5: 3, 3: 2 + 4} { // two packs, then by itself
			page, sent := r.pages[r.items[id].Item.Key], 0
			for url, n := range r.Sends {
				if slices.Contains(idsOf(url), idOf(page.URL)) {
					sent += n
				}
			}
			if page.Attempts != want || sent != want {
				t.Errorf("item %d: %s after %d attempts and %d requests, want %d", id, page.Outcome, page.Attempts, sent, want)
			}
		}
	})
}

func TestAnOutageSaysWhatTheUpstreamDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(10)...)
		r.Limit = harvest.LimitOutage
		w := r.worker(t, r.config())
		r.Answer = func(n int, _ string) (*harvest.Answer, error) {
			if n == 1 {
				return status(503), nil
			}
			return status(200), nil
		}
		if _, err := w.Drain(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if note := w.Progress().Note; note != "the upstream: http_503" {
			t.Errorf("Progress().Note = %q, want the reason beside the outage", note)
		}
	})
}
