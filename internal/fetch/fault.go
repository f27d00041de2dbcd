package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

// Causes with which we give up an exchange.
var (
	errNoHeaders = errors.New("no answer within the header timeout")
	errDeadline  = errors.New("the answer was not complete within --timeout")
	errTooSlow   = errors.New("the answer came too slowly")
)

// The library distinguishes these conditions only by text; a test with real frames pins each.
const (
	textUnusable  = "http2: client conn not usable"
	textNotEst    = "http2: client conn could not be established"
	textConnGone  = "http2: client conn is closed"
	textGoAway    = "http2: Transport received Server's graceful shutdown GOAWAY"
	textGoAwayErr = "http2: Transport received GOAWAY from server ErrCode:"
	textH2Headers = "response header list larger than advertised limit"
	textH1Headers = "server response headers exceeded"
	textAsked     = "request header list larger than peer's advertised limit"
	textTooLong   = "server replied with more than declared Content-Length"
)

// unsent reports whether the library refused a request before any byte of it was written.
func unsent(err error) bool {
	text := err.Error()
	return strings.Contains(text, textUnusable) || strings.Contains(text, textNotEst) || strings.Contains(text, textConnGone)
}

// faultOf names the class of an error of RoundTrip or of reading a body. calm means that the peer
// has sent ENHANCE_YOUR_CALM on the connection.
func faultOf(err error, calm bool) harvest.Fault {
	var stream http2.StreamError
	var away http2.GoAwayError
	text := err.Error()
	switch {
	case errors.Is(err, errNoHeaders), errors.Is(err, errDeadline), errors.Is(err, errTooSlow), errors.Is(err, context.DeadlineExceeded):
		return harvest.FaultTimeout
	case strings.Contains(text, textH2Headers), strings.Contains(text, textH1Headers):
		return harvest.FaultHeaders
	case strings.Contains(text, textAsked):
		return harvest.FaultAsked
	case errors.As(err, &stream):
		return resetBy(stream.Code)
	case errors.As(err, &away) && away.ErrCode == http2.ErrCodeEnhanceYourCalm:
		return harvest.FaultCalm
	case unsent(err):
		return harvest.FaultUnprocessed
	case strings.Contains(text, textGoAway):
		if calm {
			return harvest.FaultCalm
		}
		return harvest.FaultUnprocessed
	case strings.Contains(text, textGoAwayErr+http2.ErrCodeEnhanceYourCalm.String()):
		return harvest.FaultCalm
	case strings.Contains(text, textTooLong):
		return harvest.FaultPartial
	}
	return harvest.FaultReset
}

func resetBy(code http2.ErrCode) harvest.Fault {
	switch code {
	case http2.ErrCodeRefusedStream:
		return harvest.FaultUnprocessed
	case http2.ErrCodeEnhanceYourCalm:
		return harvest.FaultCalm
	}
	return harvest.FaultReset
}

// bodyFault is faultOf for a body that began: its early end is a fault of its own.
func bodyFault(err error, calm bool) harvest.Fault {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errCorrupt) {
		return harvest.FaultPartial
	}
	return faultOf(err, calm)
}

// explained returns the text for a person if the library's own is too short or too long.
func explained(err error) error {
	if strings.Contains(err.Error(), textAsked) {
		return errors.New("the server takes fewer bytes of request headers than ours have (its SETTINGS_MAX_HEADER_LIST_SIZE); shorten --user-agent, cookies or the credential, or ask its operator to raise it")
	}
	var away http2.GoAwayError
	if errors.As(err, &away) {
		// The error's own text quotes up to 16 KiB of what the peer chose to add.
		return fmt.Errorf("the peer sent GOAWAY %s and closed the connection", away.ErrCode)
	}
	return err
}
