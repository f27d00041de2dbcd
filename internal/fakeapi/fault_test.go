package fakeapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

func TestFaultsHappen(t *testing.T) {
	t.Parallel()
	for kind, check := range map[fakeapi.Kind]func(*http.Response, []byte, error) bool{
		fakeapi.KindStatus: func(r *http.Response, _ []byte, err error) bool { return err == nil && r.StatusCode == 500 },
		fakeapi.KindUnavailable: func(r *http.Response, _ []byte, err error) bool {
			return err == nil && r.Header.Get("Retry-After") == "2"
		},
		fakeapi.KindTooMany: func(r *http.Response, _ []byte, err error) bool { return err == nil && r.StatusCode == 429 },
		fakeapi.KindHTML: func(r *http.Response, b []byte, err error) bool {
			return err == nil && bytes.Contains(b, []byte("<html>"))
		},
		fakeapi.KindErrorObject: func(r *http.Response, b []byte, err error) bool {
			return r.StatusCode == 200 && bytes.Contains(b, []byte("ratelimited"))
		},
		fakeapi.KindRedirect: func(r *http.Response, _ []byte, err error) bool { return r.Header.Get("Location") == "/moved/items/5" },
		fakeapi.KindAway: func(r *http.Response, _ []byte, err error) bool {
			return r.Header.Get("Location") == "https://elsewhere.example/"
		},
		fakeapi.KindLoop: func(r *http.Response, _ []byte, err error) bool { return r.Header.Get("Location") == "/items/5" },
		fakeapi.KindNoContent: func(r *http.Response, b []byte, err error) bool {
			return err == nil && r.StatusCode == 204 && len(b) == 0
		},
		fakeapi.KindText: func(_ *http.Response, b []byte, err error) bool {
			return err == nil && string(b) == "It works!\n"
		},
		fakeapi.KindEmpty: func(r *http.Response, b []byte, err error) bool {
			return err == nil && r.StatusCode == 200 && len(b) == 0
		},
		fakeapi.KindJunk:      func(_ *http.Response, b []byte, err error) bool { return err == nil && !json.Valid(b) },
		fakeapi.KindTruncated: func(_ *http.Response, b []byte, err error) bool { return err == nil && !json.Valid(b) },
		fakeapi.KindEncoding:  func(r *http.Response, _ []byte, err error) bool { return r.Header.Get("Content-Encoding") == "br" },
		fakeapi.KindEndless: func(r *http.Response, b []byte, err error) bool {
			return err == nil && len(b) == 3_000_000 && r.ContentLength < 0
		},
		fakeapi.KindDrip: func(_ *http.Response, b []byte, err error) bool {
			return err == nil && len(b) == 3_000_000 || len(b) > 0
		},
		fakeapi.KindCut:     func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		fakeapi.KindShort:   func(_ *http.Response, _ []byte, err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
		fakeapi.KindReset:   func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		fakeapi.KindHeaders: func(_ *http.Response, _ []byte, err error) bool { return err != nil },
		fakeapi.KindBomb: func(_ *http.Response, b []byte, err error) bool {
			z, zerr := gzip.NewReader(bytes.NewReader(b))
			if zerr != nil {
				return false
			}
			n, _ := io.Copy(io.Discard, z)
			return err == nil && n == 3_000_000 && len(b) < 10_000
		},
		fakeapi.KindTruncatedGz: func(_ *http.Response, b []byte, err error) bool {
			z, zerr := gzip.NewReader(bytes.NewReader(b))
			if zerr != nil {
				return false
			}
			_, zerr = io.Copy(io.Discard, z)
			return err == nil && zerr != nil
		},
	} {
		for _, http1 := range []bool{false, true} {
			t.Run(string(kind)+map[bool]string{true: "/1.1", false: "/2"}[http1], func(t *testing.T) {
				t.Parallel()
				f := fakeapi.Fault{Kind: kind, Size: 3_000_000, To: "https://elsewhere.example/"}
				switch kind {
				case fakeapi.KindUnavailable:
					f.Delay = 2 * time.Second
				case fakeapi.KindDrip:
					f.Size, f.Delay = 20, time.Millisecond
				case fakeapi.KindHeaders:
					f.Size = 200 << 10
				}
				s := start(t, fakeapi.Options{HTTP1: http1, Behaviour: fakeapi.Behaviour{Faults: []fakeapi.Fault{f}}})
				c := s.Client()
				c.Timeout = time.Minute
				c.Transport.(*http.Transport).MaxResponseHeaderBytes = 64 << 10
				res, body, err := try(t, c, s.URL+"/items/5")
				if !check(res, body, err) {
					t.Errorf("GET with fault %s = %v, %d bytes, %v", kind, res, len(body), err)
				}
				if a := s.Arrivals(); a[0].Fault != kind {
					t.Errorf("Arrivals()[0].Fault = %q, want %q", a[0].Fault, kind)
				}
			})
		}
	}
}

func TestStallsLastUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	for _, http1 := range []bool{false, true} {
		s := start(t, fakeapi.Options{HTTP1: http1, Behaviour: fakeapi.Behaviour{Faults: []fakeapi.Fault{
			{Kind: fakeapi.KindStall, At: []int{1}}, {Kind: fakeapi.KindStallBody, At: []int{2}},
		}}})
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/items/1", nil)
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan error, 1)
		go func() {
			res, err := s.Client().Do(req)
			if err == nil {
				_ = res.Body.Close()
			}
			answered <- err
		}()
		for tick := time.NewTicker(time.Millisecond); s.Count() == 0; {
			<-tick.C
		}
		select {
		case err := <-answered:
			t.Errorf("a stalled request ended with %v before its client left", err)
		default:
		}
		cancel()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Errorf("a stalled request = %v, want context.Canceled", err)
		}

		ctx, cancel = context.WithCancel(t.Context())
		res, err := s.Client().Do(req.Clone(ctx))
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("a stalled body = %v, %v, want 200, nil", res, err)
		}
		half := make([]byte, len(fakeapi.Item(1, 0))/2)
		if _, err := io.ReadFull(res.Body, half); err != nil {
			t.Errorf("the first half of a stalled body: %v", err)
		}
		cancel()
		if rest, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("the rest of a stalled body = %q, %v, want context.Canceled", rest, err)
		}
		_ = res.Body.Close()
	}
}

func TestRedirectEndsAtAnAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Faults: []fakeapi.Fault{{Kind: fakeapi.KindRedirect, Path: "/items/3"}}}})
	res, _ := get(t, s, "/items/3")
	if res, body := get(t, s, res.Header.Get("Location")); res.StatusCode != 200 || !bytes.Equal(body, fakeapi.Item(3, 0)) {
		t.Errorf("the end of the redirect = %d %s, want item 3", res.StatusCode, body)
	}
}

func TestFirstHarmsOnlyTheFirstTries(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Faults: []fakeapi.Fault{{Kind: fakeapi.KindStatus, First: 2}}}})
	var got []int
	for range 3 {
		res, _ := get(t, s, "/items/1")
		got = append(got, res.StatusCode)
	}
	if !slices.Equal(got, []int{500, 500, 200}) {
		t.Errorf("three tries of one path = %v, want [500 500 200]", got)
	}
}
