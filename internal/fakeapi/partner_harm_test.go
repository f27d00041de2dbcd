package fakeapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

func TestPartnerFaultsHarmItsPathsAndDoNotCountAsServed(t *testing.T) {
	t.Parallel()
	b := fakeapi.Behaviour{Items: 100, Faults: []fakeapi.Fault{
		{Kind: fakeapi.KindHTML, Path: "/v1/pages", Every: 7},
		{Kind: fakeapi.KindHTML, Status: 502, Path: "/v1/pages", Every: 5},
		{Kind: fakeapi.KindTemporary, Path: "/v1/pages", Share: 0.2},
		{Kind: fakeapi.KindTruncated, Path: "/v1/batch", At: []int{41}},
		{Kind: fakeapi.KindRedirect, Path: "/v1/batch", At: []int{42}},
		{Kind: fakeapi.KindDrip, Path: "/v1/batch", At: []int{43}},
		{Kind: fakeapi.KindStallBody, Path: "/v1/batch", At: []int{44}, Delay: 1},
		{Kind: fakeapi.KindCut, Path: "/v1/batch", At: []int{45}},
	}}
	overEach(t, b, func(t *testing.T, s *fakeapi.Server) {
		kinds := map[string]int{}
		for range 40 {
			res, body := get(t, s, "/v1/pages")
			switch {
			case strings.Contains(string(body), "<html>"):
				kinds["html "+strconv.Itoa(res.StatusCode)]++
			case string(body) == `{"error":{"code":"TEMPORARY","message":"please try again"}}`+"\n" && res.StatusCode == 200:
				kinds["temporary"]++
			case strings.Contains(string(body), `"data":[`):
				kinds["good"]++
			}
		}
		if kinds["html 200"] != 5 || kinds["html 502"] != 7 || kinds["temporary"] < 3 || s.Served("/v1/pages")[0] != kinds["good"] {
			t.Errorf("40 pages = %v, item 0 served %d times, want html 5 and 7 times, temporary now and then, and served where good",
				kinds, s.Served("/v1/pages")[0])
		}
		get(t, s, "/v1/batch?ids=1,2") // truncated
		res, _ := get(t, s, "/v1/batch?ids=1,2")
		if got := res.Header.Get("Location"); got != "/moved/v1/batch?ids=1,2" {
			t.Errorf("Location = %s, want /moved/v1/batch?ids=1,2", got)
		}
		get(t, s, "/v1/batch?ids=1,2") // byte by byte
		get(t, s, "/v1/batch?ids=1,2") // in two halves
		if _, _, err := try(t, s.Client(), s.URL+"/v1/batch?ids=1,2"); err == nil {
			t.Error("GET of a body that is cut = nil, want an error")
		}
		get(t, s, "/moved/v1/batch?ids=1,2")
		if got := s.Served("/v1/batch"); got[1] != 3 || got[2] != 3 {
			t.Errorf("Served(/v1/batch) = %v, want both 3 times: dripped, held up and moved, not truncated, cut or sent elsewhere", got)
		}
	})
}

func TestPartnerCountsNothingServedToWhoHasLeft(t *testing.T) {
	t.Parallel()
	b := fakeapi.Behaviour{Items: 100, Faults: []fakeapi.Fault{{Kind: fakeapi.KindDrip, Delay: time.Hour}}}
	overEach(t, b, func(t *testing.T, s *fakeapi.Server) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/v1/items", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Client().Do(req)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("GET /v1/items = %v, %v, want 200, nil", res, err)
		}
		defer res.Body.Close()
		cancel()
		for tick := time.NewTicker(time.Millisecond); s.Arrivals()[0].Ended.IsZero(); {
			<-tick.C
		}
		if got := s.Served(""); len(got) != 0 {
			t.Errorf("Served() = %v, want nothing: its client left before the end", got)
		}
	})
}

func TestPartnerTokensAreArrivalsAndExpire(t *testing.T) {
	t.Parallel()
	b := fakeapi.Behaviour{
		Items: 20, ClientID: "id", ClientSecret: "secret", TokenLife: time.Hour, Rate: 1000,
		Faults: []fakeapi.Fault{{Kind: fakeapi.KindStatus, Status: 503, Path: "/oauth/token", First: 1}},
	}
	overEach(t, b, func(t *testing.T, s *fakeapi.Server) {
		at := "/oauth/token"
		ask := func(secret string) (int, string) {
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"id"}, "client_secret": {secret}}
			res, err := s.Client().PostForm(s.URL+at, form)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var a struct {
				AccessToken string `json:"access_token"`
			}
			if err := json.NewDecoder(res.Body).Decode(&a); err != nil || res.Header.Get("X-RateLimit-Limit") != "1000" {
				t.Errorf("POST /oauth/token: %v, X-RateLimit-Limit %q, want nil, 1000", err, res.Header.Get("X-RateLimit-Limit"))
			}
			return res.StatusCode, a.AccessToken
		}
		list := func(token string) int {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/items", nil)
			req.Header.Set("Authorization", "Bearer "+token)
			res, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			return res.StatusCode
		}
		var got []int
		for _, secret := range []string{"secret", "wrong"} {
			status, _ := ask(secret)
			got = append(got, status)
		}
		status, token := ask("secret")
		got = append(got, status, list(token), list("another"))
		s.Set(func(b *fakeapi.Behaviour) { b.TokenLife = 1 })
		_, old := ask("secret")
		got = append(got, list(old))
		s.Revoke()
		got = append(got, list(token))
		at = "/moved/oauth/token" // where a redirect sends to
		status, _ = ask("secret")
		got = append(got, status)
		if want := []int{503, 401, 200, 200, 401, 401, 401, 503}; !slices.Equal(got, want) {
			t.Errorf("fault, wrong secret, good; good token, unknown, old, revoked; moved = %v, want %v", got, want)
		}
		if status, _ = ask("secret"); status != 200 {
			t.Errorf("POST %s = %d, want 200", at, status)
		}
		if all, tokens, free := s.Count(), s.ByEndpoint()["/oauth/token"], s.Control("/oauth/token"); all != 10 || tokens != 4 || free != 0 {
			t.Errorf("%d arrivals, %d for tokens, %d uncounted, want 10, 4, 0", all, tokens, free)
		}
	})
}

func TestPartnerSaysItsQuota(t *testing.T) {
	t.Parallel()
	overEach(t, fakeapi.Behaviour{Items: 20, Rate: 0.001, Hint: fakeapi.HintNone}, func(t *testing.T, s *fakeapi.Server) {
		for _, c := range []struct {
			form fakeapi.Reset
			want int64
		}{
			{fakeapi.ResetDelta, 1000},
			{fakeapi.ResetEpoch, time.Now().Add(1000 * time.Second).Unix()},
			{fakeapi.ResetEpochMS, time.Now().Add(1000 * time.Second).UnixMilli()},
		} {
			s.Set(func(b *fakeapi.Behaviour) { b.ResetAs = c.form })
			res, _ := get(t, s, "/v1/items")
			reset, err := strconv.ParseInt(res.Header.Get("X-RateLimit-Reset"), 10, 64)
			slack := map[fakeapi.Reset]int64{fakeapi.ResetDelta: 60, fakeapi.ResetEpoch: 60, fakeapi.ResetEpochMS: 60_000}[c.form]
			if err != nil || reset < c.want-slack || reset > c.want+slack {
				t.Errorf("reset as %q = %s, want about %d", c.form, res.Header.Get("X-RateLimit-Reset"), c.want)
			}
			if h := res.Header; h.Get("X-RateLimit-Limit") != "1" || h.Get("X-RateLimit-Remaining") != "0" || h.Get("Retry-After") != "" {
				t.Errorf("headers of %d = %v, want limit 1, remaining 0, no Retry-After", res.StatusCode, h)
			}
			if want := 429; c.form != fakeapi.ResetDelta && res.StatusCode != want {
				t.Errorf("status = %d, want %d", res.StatusCode, want)
			}
		}
		s.Set(func(b *fakeapi.Behaviour) { b.Hint = fakeapi.HintSeconds })
		if res, _ := get(t, s, "/v1/pages"); res.Header.Get("Retry-After") == "" || res.Header.Get("X-RateLimit-Remaining") != "0" {
			t.Errorf("headers of a refusal = %v, want Retry-After as well", res.Header)
		}
	})
	overEach(t, fakeapi.Behaviour{Items: 20, Rate: 0.001, Burst: 3, Hint: fakeapi.HintXRateLimit}, func(t *testing.T, s *fakeapi.Server) {
		for _, want := range []string{"2", "1", "0", "0"} {
			res, _ := get(t, s, "/v1/items")
			if h := res.Header; h.Get("X-RateLimit-Limit") != "3" || h.Get("X-RateLimit-Remaining") != want {
				t.Errorf("headers of %d with a bucket of 3 = %v, want limit 3, remaining %s", res.StatusCode, h, want)
			}
		}
	})
	overEach(t, fakeapi.Behaviour{Items: 20, Faults: []fakeapi.Fault{{Kind: fakeapi.KindTooMany, At: []int{2}, Delay: time.Hour}}}, func(t *testing.T, s *fakeapi.Server) {
		for i := range 3 {
			res, _ := get(t, s, "/v1/items")
			reset, _ := strconv.Atoi(res.Header.Get("X-RateLimit-Reset"))
			if told := reset > 3500 && reset <= 3600; told != (i > 0) || res.Header.Get("X-RateLimit-Limit") != "" {
				t.Errorf("request %d without a budget: %d with %v, want a reset in an hour while shut out, and no limit", i+1, res.StatusCode, res.Header)
			}
		}
	})
}
