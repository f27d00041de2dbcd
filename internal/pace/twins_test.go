package pace

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// pair runs each operation on the arithmetic in Go and on the scripts, at the same instant, and
// compares them.
type pair struct {
	t      *testing.T
	client *redis.Client
	redis  *Redis
	state  state
	now    int64
	rid    string
	epoch  int64 // the highest that a reply gave
	leased map[string]parting
}

func newPair(t *testing.T, client *redis.Client) *pair {
	t.Helper()
	client.FlushAll(t.Context())
	return &pair{t: t, client: client, redis: manual(client), now: 1_700_000_000_000_000, rid: "a", leased: map[string]parting{}}
}

func (p *pair) clock() {
	if err := p.client.MSet(p.t.Context(), "test:now", p.now, "test:rid", p.rid).Err(); err != nil {
		p.t.Fatalf("MSET = %v, want no error", err)
	}
}

var unexported = cmp.AllowUnexported(grant{}, fact{}, state{}, member{})

func (p *pair) acquire(a ask) grant {
	p.t.Helper()
	p.clock()
	want := p.state.acquire(p.now, p.rid, a)
	got, err := p.redis.acquire(p.t.Context(), host, a)
	if err != nil {
		p.t.Fatalf("acquire(%+v) = %v, want no error", a, err)
	}
	if d := cmp.Diff(want, got, unexported); d != "" {
		p.t.Fatalf("acquire(%+v) differs, -Go +Lua:\n%s", a, d)
	}
	p.same()
	p.epoch = max(p.epoch, got.epoch)
	if got.n > 0 {
		l := lease{grant: got}
		p.leased[a.worker] = parting{worker: a.worker, last: l.at(got.n - 1), back: l.before()}
	}
	return got
}

func (p *pair) simple(name string, want func(), got func() (fact, error)) {
	p.t.Helper()
	p.clock()
	want()
	known, err := got()
	if d := cmp.Diff(fact{p.state.epoch, p.state.until, p.now}, known, unexported); err != nil || d != "" {
		p.t.Fatalf("%s = %v and differs, -Go +Lua:\n%s", name, err, d)
	}
	p.same()
	p.epoch = max(p.epoch, known.epoch)
}

// same compares the stored state, field by field.
func (p *pair) same() {
	p.t.Helper()
	h := p.client.HGetAll(p.t.Context(), keys(host)[0]).Val()
	i := func(name string) int64 { n, _ := strconv.ParseInt(h[name], 10, 64); return n }
	f := func(name string) float64 { n, _ := strconv.ParseFloat(h[name], 64); return n }
	got := state{rid: h["rid"], last: i("last"), epoch: i("epoch"), cut: i("cut"), born: i("born"), until: i("until"), hold: i("hold"),
		rate: f("rate"), rateBy: h["rate_by"], f: f("f"), fAt: i("f_at"), w: f("w"), top: f("top"), topAt: i("top_at"), goodAt: i("good_at"), bad: i("bad"), probeAt: i("probe_at"),
		probeN: i("probe_n"), at: i("at"), muster: i("muster"), news: p.state.news, members: p.members()}
	if d := cmp.Diff(p.state, got, unexported); d != "" {
		p.t.Fatalf("state differs, -Go +Lua:\n%s", d)
	}
	if len(h) != 21 {
		p.t.Fatalf("fields of %s = %d, want 21", keys(host)[0], len(h))
	}
}

func (p *pair) members() []member {
	ctx := p.t.Context()
	asked := p.client.HGetAll(ctx, keys(host)[3]).Val()
	list := make([]member, 0, len(asked))
	for _, z := range p.client.ZRangeWithScores(ctx, keys(host)[1], 0, -1).Val() {
		name := z.Member.(string)
		rate, _ := strconv.ParseFloat(asked[name], 64)
		seen := p.client.ZScore(ctx, keys(host)[2], name).Val()
		list = append(list, member{name: name, first: int64(z.Score), seen: int64(seen), asked: rate})
	}
	if len(list) == 0 {
		return p.state.members[:0]
	}
	return list
}

// step does one random operation at a random later instant.
func (p *pair) step(r *rand.Rand) {
	p.t.Helper()
	p.pass(r)
	worker := fmt.Sprint("w", r.IntN(5))
	switch k := r.IntN(41); {
	case k < 30:
		p.acquire(p.ask(r, worker))
	case k < 33:
		b := report{seen: p.epoch - int64(r.IntN(3)), delay: r.Int64N(4_000_000), cut: r.IntN(3) > 0}
		p.simple("backoff", func() { p.state.backoff(p.now, p.rid, b.seen, b.delay, b.cut) },
			func() (fact, error) { return p.redis.backoff(p.t.Context(), host, b) })
	case k < 35:
		back := p.leased[worker]
		p.simple("release", func() { p.state.release(p.now, p.rid, worker, back.last, back.back) },
			func() (fact, error) {
				return p.redis.simple(p.t.Context(), p.redis.scripts.release, host, worker, back.last, back.back)
			})
	case k < 37:
		rate := []float64{0.1, 10.0 / 3, 50, 500, 5000}[r.IntN(5)]
		p.simple("rate", func() { p.state.enter(p.now, p.rid); p.state.setRate(p.now, rate, "ann") },
			func() (fact, error) {
				return p.redis.simple(p.t.Context(), p.redis.scripts.rate, host, decimal(rate), "ann")
			})
	case k == 40:
		lost := r.IntN(4) == 0
		p.simple("repair", func() { p.state.repair(p.now, p.rid, lost) }, func() (fact, error) { return p.redis.repair(p.t.Context(), host, lost) })
	default:
		length := time.Duration(r.IntN(3)) * time.Second
		p.simple("hold", func() { p.state.enter(p.now, p.rid); p.state.setHold(p.now, holdUntil(p.now, length)) },
			func() (fact, error) {
				return p.redis.simple(p.t.Context(), p.redis.scripts.hold, host, length.Microseconds())
			})
	}
}

// pass lets time pass, and now and then loses the state, restarts the server or moves its clock.
func (p *pair) pass(r *rand.Rand) {
	p.now += []int64{0, 1, 137, 20_202, 400_000, 1_700_000}[r.IntN(6)]
	switch r.IntN(150) {
	case 0:
		p.client.FlushAll(p.t.Context())
		p.state = state{}
	case 1:
		p.rid += "a"
	case 2:
		p.now -= 3_600_000_000
	case 3:
		p.now += 3_600_000_000
	case 4, 5:
		p.now += []int64{9_500_000, 55_000_000, 65_000_000}[r.IntN(3)]
	case 6:
		p.now -= 1_500_000 + r.Int64N(1_500_000)
	}
}

func (p *pair) ask(r *rand.Rand, worker string) ask {
	a := ask{worker: worker, rate: []float64{0.1, 10.0 / 3, 50, 500, 5000}[r.IntN(5)], headroom: []float64{0, 0.01, 0.002}[r.IntN(3)],
		limit: []int{0, 0, 3}[r.IntN(3)], want: r.IntN(60), ahead: []int64{horizon, horizon, cautious}[r.IntN(3)],
		grace: []int64{horizon, lostWait}[r.IntN(2)], spell: r.IntN(20) == 0, most: []float64{0, 0, 5, 100}[r.IntN(4)]}
	if r.IntN(4) == 0 {
		a.silent = r.Int64N(3_000_000)
	}
	if r.IntN(3) == 0 {
		a.opRate, a.opBy, a.opHold = 20, "store", r.Int64N(2_000_000)
	}
	if r.IntN(20) == 0 {
		a.ok = int64(r.IntN(2))
	}
	if r.IntN(4) == 0 {
		a.bad = int64(r.IntN(8))
	}
	return a
}

func TestScriptsComputeWhatTheArithmeticDoes(t *testing.T) {
	t.Parallel()
	_, client := server(t)
	for seed := range uint64(8) {
		p := newPair(t, client)
		r := rand.New(rand.NewPCG(seed, 0))
		for range 400 {
			p.step(r)
		}
	}
}
