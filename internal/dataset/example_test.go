package dataset_test

import (
	"context"
	"fmt"
	"os"

	"shoal/internal/dataset"
	"shoal/internal/harvest"
)

// Records become a table with a column for each of their members.
func ExampleForm_Write() {
	form, ok := dataset.FormOf("items.csv")
	if !ok {
		return
	}
	rows := func(each func(dataset.Row) error) error {
		for _, data := range []string{`{"id":1,"name":"Ada"}`, `{"id":2,"tags":["x"]}`} {
			if err := each(dataset.Row{Record: harvest.Record{Kind: "record", Data: []byte(data)}}); err != nil {
				return err
			}
		}
		return nil
	}
	n, err := form.Write(context.Background(), os.Stdout, dataset.Options{}, rows)
	fmt.Println(n, err)
	// Output:
	// id,name,tags
	// 1,Ada,
	// 2,,"[""x""]"
	// 2 <nil>
}
