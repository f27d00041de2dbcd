package exchange

import (
	"bytes"
	"errors"
	"strings"

	"shoal/internal/harvest"
)

// decode reads what came of a request: a failure becomes a Reading with its fault, a redirect one
// with the next request. What has neither is for its status to decide.
func (c *Client) decode(reader Reader, request *harvest.Request, answer *harvest.Answer, err error) harvest.Reading {
	switch {
	case err != nil:
	case answer.Status >= 200 && answer.Status < 300 && answer.Status != 202:
		reading := reader.Read(request, answer)
		if reading.Fault == harvest.FaultUndecodable && foreign(answer.Body) {
			reading.Fault = harvest.FaultForeign
		}
		return reading
	case answer.Status >= 300 && answer.Status < 400 && answer.Status != 304:
		var next *harvest.Request
		if next, err = c.Fetch.Redirect(request, answer); err == nil {
			return harvest.Reading{Next: next}
		}
	}
	if err == nil {
		return harvest.Reading{}
	}
	fault := harvest.FaultReset
	if failure, ok := errors.AsType[*harvest.Failure](err); ok {
		fault = failure.Fault
	}
	return harvest.Reading{Fault: fault, Reason: string(fault), Cause: err}
}

// foreign reports whether a body does not even begin as JSON: a wrong address answers so, again and
// again, while a broken API answers with half of what it means.
func foreign(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	return len(body) == 0 || !strings.ContainsRune(`{["`, rune(body[0]))
}

// healthy reports whether the upstream works: it answered, with something usable or with a refusal
// that is about the item.
func healthy(answer *harvest.Answer, reading harvest.Reading) bool {
	return answer != nil && answer.Status < 500 && reading.Fault != harvest.FaultCalm && reading.Fault != harvest.FaultUndecodable && !unexpected(reading)
}

// unexpected reports whether the upstream works and yet sends what our settings do not expect:
// other JSON, or HTML if the address is wrong. That is no evidence about it: a mistake of ours must
// not look like an outage, in which nothing would ever end.
func unexpected(reading harvest.Reading) bool {
	return reading.Fault == harvest.FaultUnexpected || reading.Fault == harvest.FaultForeign
}

// Detailed returns a page's detail: what is wrong with the answer, in words, and the beginning of
// the answer.
func Detailed(reading harvest.Reading, beginning string) string {
	if reading.Cause == nil {
		return beginning
	}
	why := Text(reading.Cause.Error())
	if beginning == "" {
		return why
	}
	return Text(why + "\n" + beginning)
}

// Text returns what a store takes as text, at most [harvest.MaxDetail] bytes of it.
func Text(s string) string {
	return harvest.Printable(s[:min(len(s), harvest.MaxDetail)])
}

// Head returns the beginning of a detail, for one line.
func Head(detail string) string {
	const most = 200
	if len(detail) > most {
		return Text(detail[:most]) + "…"
	}
	return detail
}

// Share makes each page a holder of the memory that its answer counts: of what was made of it, and
// of its body if a page keeps that. The last page that lands gives it back. Without a page the
// answer is released.
func Share(answer *harvest.Answer, pages []harvest.Page) {
	if len(pages) == 0 || answer == nil {
		answer.Release()
		return
	}
	body, own := false, int64(0)
	for i := range pages {
		own += int64(pages[i].Size())
		if pages[i].Answer != nil {
			body = true
			own -= int64(len(pages[i].Body) + len(pages[i].Raw))
		}
	}
	answer.Settle(body, own)
	answer.Hold(len(pages) - 1)
	for i := range pages {
		pages[i].Answer = answer
	}
}
