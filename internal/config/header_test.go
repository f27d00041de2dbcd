package config

import (
	"errors"
	"strings"
	"testing"
)

func TestHeadersThatCarryCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{
		"Accept": false, "Accept-Language": false, "X-Requested-With": false, "X-Author": false, "X-Keyword": false, "X-Design": false,
		"Prefer": false, "From": false, "Referer": false, "Api-User-Agent": false, "X-GitHub-Api-Version": false, "X-Passenger": false,

		"Authorization": true, "Proxy-Authorization": true, "X-Authorization": true, "X-Authentication": true, "Cookie": true, "X-Cookie": true,
		"X-Auth": true, "XAuth": true, "X-Auth-User": true, "Auth": true, "X-Auth-Token": true, "PRIVATE-TOKEN": true,
		"Ocp-Apim-Subscription-Key": true, "X-Subscription": true, "X-Session": true, "X-SessionID": true, "Signature": true, "X-Hub-Signature-256": true,
		"X-Api-Key": true, "apikey": true, "X-AccessKey": true, "X-RapidAPI-Key": true, "X_Key_Id": true, "Idempotency-Key": true,
		"X-Jwt-Assertion": true, "X-Pass": true, "X-Secret": true, "X-Credential": true,
	} {
		w := world{env: Env{Dir: fileDir(t, "headers: [{name: "+name+", value: c4nary}]\n")}, args: []string{"--print-config"}}.run(t)
		if got := errors.Is(w.err, ErrUsage); got != refused {
			t.Errorf("header %s refused = %v (%v), want %v", name, got, w.err, refused)
		}
		if refused && (w.err == nil || !strings.Contains(w.err.Error(), "auth: {kind: header, name: "+name+",") || strings.Contains(w.err.Error()+w.out, "c4nary")) {
			t.Errorf("header %s: %v, output %q, want the way by auth: and no value", name, w.err, w.out)
		}
	}
}
