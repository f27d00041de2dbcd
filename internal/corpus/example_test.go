package corpus_test

import (
	"context"
	"fmt"
	"strings"

	"shoal/internal/corpus"
)

// A corpus of ids becomes URLs by a template; a line that is not an item is a rejection, not an
// end.
func ExampleOpen() {
	source, err := corpus.Open(context.Background(), corpus.Config{
		URI:      "-",
		Stdin:    strings.NewReader("# our ids\n41\n..\n42\n"),
		Template: "https://api.example/v1/items/{id}",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()
	for entry, err := range source.Entries() {
		switch {
		case err != nil:
			fmt.Println(err)
		case entry.Rejected != nil:
			fmt.Println("line", entry.Line(), entry.Rejected.Reason)
		default:
			fmt.Println("line", entry.Line(), entry.Item.URL)
		}
	}
	// Output:
	// line 2 https://api.example/v1/items/41
	// line 3 bad_id
	// line 4 https://api.example/v1/items/42
}
