package runs_test

import (
	"fmt"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/runs"
)

// A start without a name continues the unfinished run that has the same inputs.
func ExampleByInputs() {
	now := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	all := []harvest.Run{
		{Name: "2026q3", Inputs: harvest.Inputs{Corpus: "ids.txt"}, FinishedAt: now.AddDate(0, -2, 0)},
		{Name: "repeat", Inputs: harvest.Inputs{Corpus: "ids.txt"}},
	}
	fmt.Println(runs.ByInputs(all, harvest.Inputs{Corpus: "ids.txt"}, now))
	fmt.Println(runs.ByInputs(all[:1], harvest.Inputs{Corpus: "ids.txt"}, now))
	// Output:
	// repeat <nil>
	// 2026q4 <nil>
}
