package harvest_test

import (
	"fmt"

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

// A server that quotes a token, in whatever form, does not get it into the store.
func ExampleMask() {
	mask := harvest.NewMask(8, "s3cret/token")
	fmt.Println(string(mask.Bytes([]byte(`{"error":"bad token s3cret\/token"}`))))
	// Output:
	// {"error":"bad token [secret]"}
}
