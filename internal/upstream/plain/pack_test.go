package plain

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

const packTemplate = "https://api.example/items?ids={ids}"

func packOf(t *testing.T, c Config) *Upstream {
	t.Helper()
	c.Template, c.Split, c.ID = packTemplate, ".items[]", ".id"
	if c.Pack == 0 {
		c.Pack = 3
	}
	u, err := New(c)
	if err != nil {
		t.Fatalf("New(%+v) = %v, want nil", c, err)
	}
	return u
}

func idItem(t *testing.T, id string) harvest.Item {
	t.Helper()
	item, err := harvest.NewItem(strings.ReplaceAll(packTemplate, IDs, harvest.Escape(id)), id, http.MethodGet, nil)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func idItems(t *testing.T, ids ...string) (items []harvest.Item) {
	t.Helper()
	for _, id := range ids {
		items = append(items, idItem(t, id))
	}
	return items
}

// shown is a reading as "id outcome reason body", then the ids left open, or the fault.
func shown(r harvest.Reading) string {
	if r.Fault != harvest.FaultNone {
		return string(r.Fault) + " " + r.Reason
	}
	var all []string
	for _, p := range r.Pages {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", p.ID, p.Outcome, p.Reason, p.Body)))
	}
	for _, item := range r.Unfinished {
		all = append(all, "open "+item.ID)
	}
	return strings.Join(all, "; ")
}

func TestReadPack(t *testing.T) {
	tests := map[string]struct {
		config Config
		ids    string
		answer string
		want   string
	}{
		"in any order, numbers as ids":      {Config{}, "1 2", `{"items":[{"id":2,"a":1.50},{"id":1}]}`, `1 landed  {"id":1}; 2 landed  {"a":1.50,"id":2}`},
		"texts as ids":                      {Config{}, "a b", `{"items":[{"id":"b"},{"id":"a"}]}`, `a landed  {"id":"a"}; b landed  {"id":"b"}`},
		"a large number is exact":           {Config{}, "12345678901234567890", `{"items":[{"id":12345678901234567890}]}`, `12345678901234567890 landed  {"id":12345678901234567890}`},
		"a whole number is its digits":      {Config{}, "1 1000", `{"items":[{"id":1e3},{"id":1.0}]}`, `1 landed  {"id":1.0}; 1000 landed  {"id":1e3}`},
		"a large one keeps all of them":     {Config{}, "12345678901234567890", `{"items":[{"id":12345678901234567890.0}]}`, `12345678901234567890 landed  {"id":12345678901234567890.0}`},
		"the first of an id counts":         {Config{}, "1", `{"items":[{"id":1,"n":1},{"id":1,"n":2}]}`, `1 landed  {"id":1,"n":1}`},
		"what was not asked for is ignored": {Config{}, "1", `{"items":[{"id":9},{"id":1}]}`, `1 landed  {"id":1}`},
		"absent is asked for again":         {Config{}, "1 2", `{"items":[{"id":1}]}`, `1 landed  {"id":1}; open 2`},
		"absent is missing where said":      {Config{Absent: AbsentMissing}, "1 2", `{"items":[{"id":1}]}`, `1 landed  {"id":1}; 2 missing absent`},
		"none is there":                     {Config{Absent: AbsentMissing}, "1 2", `{"items":[]}`, `1 missing absent; 2 missing absent`},
		"no value has an id":                {Config{Absent: AbsentMissing}, "1 2", `{"items":[{"ID":1},{"ID":2}]}`, "unexpected no_ids"},
		"a value without an id":             {Config{}, "1 2", `{"items":[{"id":1},{}]}`, `1 landed  {"id":1}; open 2`},
		"not to be taken apart":             {Config{}, "1 2", `{"items":7}`, "unexpected split_failed"},
		"values without members":            {Config{}, "1 2", `{"items":[7]}`, "unexpected id_failed"},
		"no JSON":                           {Config{}, "1 2", `<html>`, "undecodable html"},
		"check is about the whole":          {Config{Check: ".ok"}, "1", `{"ok":false,"items":[{"id":1}]}`, "unexpected check_failed"},
		"wait is about the whole":           {Config{Wait: ".wait"}, "1", `{"wait":3,"items":[{"id":1}]}`, "lagged wait"},
		"no body":                           {Config{Body: BodyNone}, "1", `{"items":[{"id":1}]}`, `1 landed`},
		"NUL is mended where it stands":     {Config{}, "1 2", `{"items":[{"id":1,"t":"a\u0000"},{"id":2}]}`, "1 landed mended_nul {\"id\":1,\"t\":\"a\uFFFD\"}; 2 landed  {\"id\":2}"},
		"a number that no database takes":   {Config{}, "1 2", `{"items":[{"id":1,"n":1e999999},{"id":2}]}`, `1 skipped bad_number; 2 landed  {"id":2}`},
		"an expression fails on one":        {Config{Extract: ".n + 1"}, "1 2", `{"items":[{"id":1,"n":"x"},{"id":2,"n":1}]}`, `1 skipped extract_failed {"id":1,"n":"x"}; 2 landed  {"id":2,"n":1}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := packOf(t, test.config)
			items := idItems(t, strings.Fields(test.ids)...)
			r := u.Read(&harvest.Request{Items: items}, &harvest.Answer{Status: 200, Body: []byte(test.answer)})
			if got := shown(r); got != test.want {
				t.Errorf("Read(%s) = %s, want %s", test.answer, got, test.want)
			}
		})
	}
}

func TestIDText(t *testing.T) {
	large, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	for _, test := range []struct {
		value any
		want  string
	}{
		{7, "7"}, {7.0, "7"}, {1e21, "1000000000000000000000"}, {1.5, "1.5"}, {large, "123456789012345678901234567890"}, {"1.0", "1.0"}, {nil, ""}, {true, ""},
		{json.Number("1.0"), "1"}, {json.Number("1e3"), "1000"}, {json.Number("1.5E+1"), "15"}, {json.Number("1200e-2"), "12"}, {json.Number("-2.00"), "-2"},
		{json.Number("-0.0"), "0"}, {json.Number("0e5"), "0"}, {json.Number("1.25"), "1.25"}, {json.Number("12e-3"), "12e-3"}, {json.Number("1e-1"), "1e-1"},
		{json.Number("12345678901234567890.0"), "12345678901234567890"}, {json.Number("123456789012345678901234567890"), "123456789012345678901234567890"},
		{json.Number("1e999999999"), "1e999999999"}, {json.Number("1e9999999999"), "1e9999999999"}, {json.Number("0.0000001e7"), "1"},
	} {
		if got := idText(test.value); got != test.want {
			t.Errorf("idText(%v) = %s, want %s", test.value, got, test.want)
		}
	}
}

func TestPackRecordsAreOfTheItem(t *testing.T) {
	u := packOf(t, Config{Extract: "{id, n}"})
	r := u.Read(&harvest.Request{Items: idItems(t, "1", "2")}, &harvest.Answer{Status: 200, Body: []byte(`{"items":[{"id":1,"n":7,"x":0},{"id":2,"n":8}]}`)})
	if len(r.Pages) != 2 || len(r.Pages[0].Records) != 1 || string(r.Pages[0].Records[0].Data) != `{"id":1,"n":7}` {
		t.Errorf("Read() = %+v, want a record of each item's own value", r.Pages)
	}
}

func TestRequestPack(t *testing.T) {
	u := packOf(t, Config{})
	r, err := u.Request(idItems(t, "1", "a b", "x,y"))
	if want := "https://api.example/items?ids=1,a%20b,x%2Cy"; err != nil || r.URL != want {
		t.Errorf("Request() = %s, %v, want %s", r.URL, err, want)
	}
	one := idItem(t, "7")
	if r, err = u.Request([]harvest.Item{one}); err != nil || r.URL != one.URL {
		t.Errorf("Request(one) = %s, %v, want the item's own URL %s", r.URL, err, one.URL)
	}
}

func TestFitsPack(t *testing.T) {
	u := packOf(t, Config{Pack: 100})
	pack := idItems(t, "1", "2")
	if !u.Fits(pack, idItem(t, "3")) || u.Fits(pack, idItem(t, "2")) || u.Fits(pack, harvest.Item{URL: "https://api.example/x"}) {
		t.Error("Fits() takes an id twice or an item without one, or refuses a third id")
	}
	long := idItem(t, strings.Repeat("x", 4000))
	if !u.Fits(nil, long) || u.Fits([]harvest.Item{long}, idItem(t, strings.Repeat("y", 4000))) {
		t.Error("Fits() makes a URL that servers refuse, or refuses an item of its own")
	}
	if most := u.MaxItems(); most != 100 {
		t.Errorf("MaxItems() = %d, want 100", most)
	}
}

func TestPackSettingsGoTogether(t *testing.T) {
	for name, c := range map[string]Config{
		"pack without ids":  {Pack: 10, Template: "https://a.example/{id}"},
		"split without ids": {Split: ".items[]"},
		"ids without split": {Template: packTemplate, ID: ".id"},
		"ids without id":    {Template: packTemplate, Split: ".items[]"},
		"raw":               {Template: packTemplate, Split: ".items[]", ID: ".id", Body: BodyRaw},
		"absent is no word": {Template: packTemplate, Split: ".items[]", ID: ".id", Absent: "dead"},
	} {
		if _, err := New(c); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: New() = %v, want ErrConfig", name, err)
		}
	}
}

func FuzzReadPack(f *testing.F) {
	f.Add([]byte(`{"items":[{"id":1},{"id":"2"},{"id":null},7,[]]}`))
	f.Add([]byte(`{"items":{"a":{"id":1e400}}}`))
	u, err := New(Config{Template: packTemplate, Pack: 5, Split: ".items[]", ID: ".id", Extract: "."})
	if err != nil {
		f.Fatal(err)
	}
	items := []harvest.Item{{ID: "1", URL: "https://api.example/items?ids=1"}, {ID: "2", URL: "https://api.example/items?ids=2"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := u.Read(&harvest.Request{Items: items}, &harvest.Answer{Status: 200, Body: body})
		if r.Fault == harvest.FaultNone && len(r.Pages)+len(r.Unfinished) != len(items) {
			t.Errorf("Read(%q) = %d pages and %d open, want %d together", body, len(r.Pages), len(r.Unfinished), len(items))
		}
	})
}
