package pace_test

import (
	"context"
	"fmt"
	"time"

	"shoal/internal/pace"
)

// Two workers of one process share the budget of a host: each waits for its permits, and together
// they send 10 requests a second.
func Example() {
	ctx := context.Background()
	budget := pace.NewLocal()
	first := pace.New(pace.Settings{Host: "api.example", Rate: 10, Worker: "a"}, budget)
	second := pace.New(pace.Settings{Host: "api.example", Rate: 10, Worker: "b"}, budget)
	defer first.Close(ctx)
	defer second.Close(ctx)
	began := time.Now()
	for range 5 {
		for _, worker := range []*pace.Pacer{first, second} {
			permit, err := worker.Wait(ctx)
			if err != nil {
				fmt.Println(err)
				return
			}
			if !worker.Usable(permit) {
				worker.Unused(permit)
				continue
			}
			// Send the request here, and report how it ended.
			worker.Done(ctx, permit, true)
		}
	}
	fmt.Println("10 requests took at least 0.8 s:", time.Since(began) >= 800*time.Millisecond)
	// Output:
	// 10 requests took at least 0.8 s: true
}
