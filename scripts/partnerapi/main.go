// Partnerapi is a partner's API to practise on: a listing with a cursor, packs of ids, page
// numbers, tokens of a minute, a budget, and a fault now and then. It answers on 127.0.0.1:8555, or
// on the address in its argument, until it is interrupted, and then prints what it saw.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"shoal/internal/fakeapi"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "partner:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	addr := "127.0.0.1:8555"
	if len(args) > 0 {
		addr = args[0]
	}
	//nolint:gosec // G101: a token to practise with is not a secret
	api, err := fakeapi.New(fakeapi.Options{Addr: addr, NoHeaders: true, Behaviour: fakeapi.Behaviour{
		Partner: true, Items: 2000, Days: 5, MissingEvery: 100, Rate: 50, Burst: 5, Latency: 30 * time.Millisecond, Gzip: true,
		Token: "a-token-to-practise", ClientID: "shoal", ClientSecret: "hush-hush-hush", TokenLife: time.Minute,
		Faults: []fakeapi.Fault{
			{Kind: fakeapi.KindHTML, Path: "/v1/pages", Share: 0.05},
			{Kind: "temporary", Path: "/v1/pages", Share: 0.05},
			{Kind: fakeapi.KindStatus, Status: 502, Share: 0.01},
		},
	}})
	if err != nil {
		return err
	}
	defer func() { _ = api.Close() }()
	ca, err := api.CAFile(".")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: 2,000 items, 50 requests/s with a burst of 5, token a-token-to-practise\ncertificate authority: %s\nCtrl-C ends it\n", api.URL, ca)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	fmt.Fprintf(out, "\n%d requests, %d refused for their rate, at most %d in any second\n", api.Count(), api.Refused(), api.WorstWindow(time.Second))
	return nil
}
