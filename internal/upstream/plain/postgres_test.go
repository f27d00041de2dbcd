package plain

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shoal/internal/testenv"
)

// postgres asks a real server what it takes.
type postgres struct {
	t    *testing.T
	conn *pgx.Conn
}

func connect(t *testing.T) postgres {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, testenv.Postgres(t).URL)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() {
		if err := conn.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return postgres{t: t, conn: conn}
}

// takes reports whether the text can be kept as jsonb, and as json with all of it read by ->>
// later.
func (p postgres) takes(text string) error {
	var n int
	const asJSONB = `SELECT length(($1::text::jsonb)::text)`
	if err := p.conn.QueryRow(context.Background(), asJSONB, text).Scan(&n); err != nil {
		return fmt.Errorf("jsonb: %w", err)
	}
	const asJSON = `WITH RECURSIVE v(j) AS (
		SELECT $1::text::json
		UNION ALL
		SELECT c.j FROM v, LATERAL (
			SELECT e.value AS j FROM json_each(CASE WHEN json_typeof(v.j) = 'object' THEN v.j ELSE '{}' END) e
			UNION ALL
			SELECT a.value FROM json_array_elements(CASE WHEN json_typeof(v.j) = 'array' THEN v.j ELSE '[]' END) a
		) c)
		SELECT coalesce(sum(length(json_build_array(j) ->> 0)), 0) + coalesce(sum(length(j #>> '{}')), 0) FROM v`
	if err := p.conn.QueryRow(context.Background(), asJSON, text).Scan(&n); err != nil {
		return fmt.Errorf("json ->>: %w", err)
	}
	return nil
}

// PostgreSQL takes what passes here, sanitized where needed, and refuses each number that is
// refused here.
func TestPostgresTakesWhatPasses(t *testing.T) {
	t.Parallel()
	p := connect(t)
	all := texts()
	random := rand.New(rand.NewPCG(1, 2))
	for range 1500 {
		all = append(all, randomJSON(random, 4))
	}
	passed := 0
	for _, text := range all {
		found, err := scan([]byte(text), 256)
		if err != nil {
			continue
		}
		clean := string(sanitize([]byte(text)))
		switch err := p.takes(clean); {
		case found.number == "" && err != nil:
			t.Errorf("%q passes as %q, but PostgreSQL says %v", text, clean, err)
		case found.number != "" && err == nil && !strings.HasPrefix(found.number, "0e"):
			t.Errorf("%q is refused for %s, but PostgreSQL takes it", shorten(text), found.number)
		}
		passed++
	}
	if passed < 1000 {
		t.Errorf("%d of %d texts were tried, want most", passed, len(all))
	}
}

// Each boundary of numeric is exact: the last number that passes is taken, the next one refused.
func TestPostgresNumericBoundaries(t *testing.T) {
	t.Parallel()
	p := connect(t)
	random := rand.New(rand.NewPCG(3, 4))
	numbers := []string{
		"1e131071", "1e131072", "9.999e131071", "10e131071", "0.001e131074", "0.001e131075", "1e-16383", "1e-16384", "15e-16384", "1.5e-16382", "1.5e-16383",
		"0e16383", "0e-16383", "0e-16384", "0.0e-16382", "0.0e-16383", strings.Repeat("9", 131072), strings.Repeat("9", 131073),
		"0." + strings.Repeat("1", 16383), "0." + strings.Repeat("1", 16384), strings.Repeat("1", 131072) + "." + strings.Repeat("1", 16383),
		"0." + strings.Repeat("0", 20000) + "1e20000", strings.Repeat("1", 140000) + "e-10000", strings.Repeat("0", 1) + "e131071", "1e99999999", "1e999999999", "1e-999999999",
	}
	for range 300 {
		numbers = append(numbers, randomNumber(random, []int{131060, -16390}[random.IntN(2)]))
	}
	for _, number := range numbers {
		fits, err := fitsNumeric([]byte(number)), p.takes(`{"n":`+number+`}`)
		if fits != (err == nil) {
			t.Errorf("fitsNumeric(%s) = %v, PostgreSQL says %v", shorten(number), fits, err)
		}
	}
}

// randomNumber is a number with an exponent within 20 of around.
func randomNumber(r *rand.Rand, around int) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	whole := strings.TrimLeft(digits(r.IntN(6)), "0")
	if whole == "" {
		whole = "0"
	}
	fraction := ""
	if n := r.IntN(6); n > 0 {
		fraction = "." + digits(n)
	}
	return fmt.Sprintf("%s%se%d", whole, fraction, around+r.IntN(40)-20)
}

// randomJSON is valid JSON that is full of what PostgreSQL may refuse.
func randomJSON(r *rand.Rand, depth int) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	str := func() string {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString(pick(`\u0000`, `\ud800`, `\udc00`, `\ud83d\ude00`, `\\`, `\"`, `\n`, "a", "日", "\xff", "\xed\xa0\x80", "\x7f", `\u0001`, `\ufffe`, `u0000`))
		}
		return `"` + b.String() + `"`
	}
	switch kind := r.IntN(6); {
	case kind < 2 && depth > 0:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = randomJSON(r, depth-1)
		}
		return "[" + strings.Join(parts, pick(",", " , ")) + "]"
	case kind < 4 && depth > 0:
		parts := make([]string, r.IntN(4))
		for i := range parts {
			parts[i] = str() + ":" + randomJSON(r, depth-1)
		}
		return "{" + strings.Join(parts, ",") + "}"
	case kind == 4:
		return pick("0", "-1", "1e400", "12345678901234567890", "1e131071", "1e131072", "0.1e-16382", "0.1e-16383", "null", "true", "false")
	}
	return str()
}
