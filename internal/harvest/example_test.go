package harvest_test

import (
	"fmt"
	"time"

	"shoal/internal/harvest"
)

// Two spellings of one URL are one item with one key, which also chooses the shard.
func ExampleNewItem() {
	for _, line := range []string{"HTTPS://API.Example:443/items/%7e1", "https://api.example/items/~1"} {
		item, err := harvest.NewItem(line, "", "", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		key := harvest.KeyOf(item.Canonical())
		fmt.Println(item.URL, key, harvest.Shard{Index: 3, Of: 8}.Owns(key))
	}
	// Output:
	// https://api.example/items/~1 3a19118a-a50e-c983-ee55-b4f566b2d05c true
	// https://api.example/items/~1 3a19118a-a50e-c983-ee55-b4f566b2d05c true
}

// A start without a name continues the unfinished run that has the same inputs.
func ExampleChooseRun() {
	now := time.Date(2026, 11, 5, 9, 0, 0, 0, time.UTC)
	runs := []harvest.Run{
		{Name: "2026q3", Inputs: harvest.Inputs{Corpus: "ids.txt"}, FinishedAt: now.AddDate(0, -2, 0)},
		{Name: "repeat", Inputs: harvest.Inputs{Corpus: "ids.txt"}},
	}
	fmt.Println(harvest.ChooseRun(runs, harvest.Inputs{Corpus: "ids.txt"}, now))
	fmt.Println(harvest.ChooseRun(runs[:1], harvest.Inputs{Corpus: "ids.txt"}, now))
	// Output:
	// repeat <nil>
	// 2026q4 <nil>
}

// A server that quotes a token, in whatever form, does not get it into the store.
func ExampleMask() {
	mask := harvest.NewMask(8, "s3cret/token")
	fmt.Println(string(mask.Bytes([]byte(`{"error":"bad token s3cret\/token"}`))))
	// Output:
	// {"error":"bad token [secret]"}
}
