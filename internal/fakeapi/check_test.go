package fakeapi_test

import (
	"encoding/json"
	"strings"
	"testing"

	"shoal/internal/fakeapi"
)

func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ behaviour, want string }{
		{`{"Partner":true}`, "a Partner needs Items"},
		{`{"BatchMost":5}`, "BatchMost is of a partner's API, and needs Partner"},
		{`{"PoisonAlone":true}`, "PoisonAlone is of a partner's API"},
		{`{"Partner":true,"Items":5,"PoisonAlone":true}`, "PoisonAlone needs a PoisonID"},
		{`{"Partner":true,"Items":5,"PoisonID":5}`, "there is no item 5 for PoisonID"},
		{`{"Partner":true,"Items":50,"MissingEvery":5,"PoisonID":10}`, "there is no item 10 for PoisonID"},
		{`{"Partner":true,"Items":5,"ListMissing":true}`, "ListMissing needs MissingEvery"},
		{`{"Partner":true,"Items":5,"PageMost":-1}`, "PageMost is -1, and must not be below 0"},
		{`{"Rate":-1,"Size":-2}`, "Rate is -1, and must not be below 0\nSize is -2"},
		{`{"Partner":true,"Items":5,"ResetAs":"iso"}`, `there is no ResetAs "iso"`},
		{`{"ResetAs":"epoch"}`, "needs Partner or Hint"},
		{`{"Hint":"loud"}`, `there is no Hint "loud"`},
		{`{"Burst":5}`, "needs a Rate"},
		{`{"Outage":99}`, "an Outage of 99 is not the status of an answer"},
		{`{"Faults":[{"Kind":"status"},{"Kind":"flood"}]}`, `fault 2: there is no Kind "flood"`},
		{`{"Faults":[{"Kind":"cut","Share":1.5}]}`, "a Share of 1.5 is not between 0 and 1"},
		{`{"Faults":[{"Kind":"cut","Every":-1}]}`, "must not be below 0"},
		{`{"Faults":[{"Kind":"status","Status":20}]}`, "20 is not the status of an answer"},
		{`{"Faults":[{"Kind":"cut","At":[0]}]}`, "arrivals count from 1"},
	} {
		var b fakeapi.Behaviour
		if err := json.Unmarshal([]byte(c.behaviour), &b); err != nil {
			t.Fatalf("Unmarshal(%s) = %v, want nil", c.behaviour, err)
		}
		s, err := fakeapi.New(fakeapi.Options{Behaviour: b})
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "fake upstream: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%s) = %v, want an error with %q", c.behaviour, err, c.want)
		}
	}
}

func TestBehaviourIsReadFromJSON(t *testing.T) {
	t.Parallel()
	b := fakeapi.Behaviour{Items: 1000, Size: 5}
	err := json.Unmarshal([]byte(`{"Partner":true,"Size":7,"ResetAs":"epoch_ms","CursorTTL":60000000000,"Faults":[{"Kind":"temporary","Share":0.1}]}`), &b)
	if err != nil || !b.Partner || b.Items != 1000 || b.Size != 7 || b.CursorTTL.Minutes() != 1 || b.Faults[0].Kind != fakeapi.KindTemporary {
		t.Errorf("Unmarshal() = %v, %+v, want what it says, and the rest as before", err, b)
	}
	start(t, fakeapi.Options{Behaviour: b})
	for _, text := range []string{`{"BatchMos":5}`, `{"Faults":[{"Kinds":"cut"}]}`, `{"Rate":"fast"}`} {
		if err := json.Unmarshal([]byte(text), new(fakeapi.Behaviour)); err == nil || !strings.Contains(err.Error(), "read a behaviour") {
			t.Errorf("Unmarshal(%s) = %v, want an error", text, err)
		}
	}
}
