package upstream

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

// quoting is an API whose answers quote what they were asked with.
type quoting struct {
	Upstream

	cause error
}

func (q quoting) Detail(answer *harvest.Answer) string { return string(answer.Body) }

func (q quoting) Read(_ *harvest.Request, answer *harvest.Answer) harvest.Reading {
	return harvest.Reading{Pages: []harvest.Page{{Detail: string(answer.Body)}, {}}, Cause: q.cause}
}

func (q quoting) ListRequest(string, string) (*harvest.Request, error) { return nil, q.cause }

func (q quoting) ReadList(_ *harvest.Request, seed string, _ int64, answer *harvest.Answer, _ func(string) (harvest.Item, error)) (harvest.Listed, string, harvest.Reading) {
	return harvest.Listed{Page: harvest.Page{Detail: string(answer.Body)}}, seed, harvest.Reading{Cause: q.cause}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	mask := func(text string) string { return strings.ReplaceAll(text, "pass", "[secret]") }
	for _, c := range []struct {
		body, detail string
		cause        error
		says         string
		keeps        bool // what the cause wraps
	}{
		{body: "all is well", detail: "all is well"},
		{body: "the key pass is old", detail: "the key [secret] is old"},
		{cause: fmt.Errorf("read: %w", io.ErrUnexpectedEOF), says: "read: unexpected EOF", keeps: true},
		{cause: fmt.Errorf("read pass: %w", io.ErrUnexpectedEOF), says: "read [secret]: unexpected EOF"},
	} {
		of := quoting{cause: c.cause}
		open := Open{Upstream: of, Lister: func(harvest.Run) Lister { return of }}.Masked(mask)
		answer := &harvest.Answer{Body: []byte(c.body)}
		if got := open.Detail(answer); got != c.detail {
			t.Errorf("Detail(%q) = %q, want %q", c.body, got, c.detail)
		}
		read := open.Read(nil, answer)
		listed, then, step := open.Lister(harvest.Run{}).ReadList(nil, "seed", 1, answer, nil)
		if got := read.Pages[0].Detail + read.Pages[1].Detail; got != c.detail || listed.Page.Detail != c.detail || then != "seed" {
			t.Errorf("Read(%q), ReadList(%q) = %q, %q, continued at %q, want %q twice, at the seed", c.body, c.body, got, listed.Page.Detail, then, c.detail)
		}
		for _, cause := range []error{read.Cause, step.Cause} {
			if c.cause != nil && (cause.Error() != c.says || errors.Is(cause, io.ErrUnexpectedEOF) != c.keeps) || c.cause == nil && cause != nil {
				t.Errorf("Read(%q) with the cause %v = %v, want %q, which keeps what it wraps: %v", c.body, c.cause, cause, c.says, c.keeps)
			}
		}
	}
	if (Open{}).Masked(mask).Lister != nil {
		t.Error("Masked() of an API that lists nothing lists something")
	}
}
