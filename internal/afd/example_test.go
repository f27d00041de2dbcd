package afd_test

import (
	"fmt"

	"shoal/internal/afd"
)

// A debate becomes a record for each comment, with its vote, and the outcome.
func ExampleParse() {
	debate := afd.Parse(afd.Page{
		PageID: 7,
		Title:  "Wikipedia:Articles for deletion/Foo",
		Text: "===[[Foo]]===\n" +
			"Not notable. [[User:Ada|Ada]] 12:00, 1 March 2020 (UTC)\n" +
			"*'''Keep''' per sources. [[User:Bob|Bob]] 13:00, 1 March 2020 (UTC)\n" +
			"**Which ones? [[User:Ada|Ada]] 14:00, 1 March 2020 (UTC)\n",
	})
	for _, r := range debate.Records {
		label := "-"
		if r.Label != nil {
			label = *r.Label
		}
		fmt.Println(r.Kind, *r.Author, label, r.Depth)
	}
	// Output:
	// nomination Ada - 0
	// comment Bob keep 1
	// comment Ada - 2
}
