package harvest

import (
	"slices"
	"strings"
	"testing"
)

func TestNulls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		records string
		want    []string
	}{
		"none":               {"", nil},
		"all have it":        {`{"id":1,"title":"a"}`, nil},
		"a mistyped name":    {`{"id":1,"titel":null} {"id":2,"titel":null}`, []string{"titel"}},
		"null now and then":  {`{"id":1,"title":null} {"id":2,"title":"b"} {"id":3,"title":null}`, nil},
		"two of them":        {`{"b":null,"a":null}`, []string{"a", "b"}},
		"only some have it":  {`{"a":1} {"b":null}`, []string{"b"}},
		"no objects":         {`[null] 7 null`, nil},
		"false, 0 and empty": {`{"a":false,"b":0,"c":"","d":[],"e":{}}`, nil},
	} {
		var n Nulls
		for record := range strings.FieldsSeq(test.records) {
			n.Add([]byte(record))
		}
		if got := n.Names(); !slices.Equal(got, test.want) || n.Records() != len(strings.Fields(test.records)) {
			t.Errorf("%s: Names() = %q of %d records, want %q", name, got, n.Records(), test.want)
		}
	}
}
