package mediawiki

import (
	"net/http"
	"strings"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// TestListerSkipsLogs: a log of a day repeats the discussions of that day, and is not among the
// items of a run that makes records of them.
func TestListerSkipsLogs(t *testing.T) {
	t.Parallel()
	const answer = `{"batchcomplete":true,"query":{"pages":[{"pageid":1,"ns":4,"title":"Wikipedia:Articles for deletion/Log/2020"},{"pageid":2,"ns":4,"title":"Wikipedia:Articles for deletion/Shoal"}]}}`
	open, err := Kind().Open(upstream.Settings{API: "https://wiki.example/w/api.php"}, upstream.Tools{})
	if err != nil {
		t.Fatal(err)
	}
	for extract, want := range map[string]int{"": 2, "afd": 1} {
		lister := open.Lister(harvest.Run{Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{Extract: extract}})
		listed, then, read := lister.ReadList(nil, "mediawiki:", 1, &harvest.Answer{Status: http.StatusOK, Body: []byte(answer)}, nil)
		if len(listed.Entries) != want || then != "" || read.Fault != harvest.FaultNone {
			t.Errorf("ReadList() with --extract %q = %d items, %q, %v, want %d", extract, len(listed.Entries), then, read.Fault, want)
		}
	}
}

// TestListerOfFormerRuns: in a run of an older version + stands for a blank in a listing's name.
func TestListerOfFormerRuns(t *testing.T) {
	t.Parallel()
	open, err := Kind().Open(upstream.Settings{API: "https://wiki.example/w/api.php"}, upstream.Tools{})
	if err != nil {
		t.Fatal(err)
	}
	for titles, want := range map[string]string{harvest.TitlesWritten: "gapprefix=A%2BB", "": "gapprefix=A%20B"} {
		request, err := open.Lister(harvest.Run{Titles: titles}).ListRequest("mediawiki:?prefix=A+B", "")
		if err != nil || !strings.Contains(request.URL, want) {
			t.Errorf("ListRequest() of titles %q = %v, %v, want a URL with %s", titles, request, err, want)
		}
	}
}
