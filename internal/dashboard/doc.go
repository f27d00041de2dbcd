// Package dashboard is the page at which people watch runs, look at items and give orders.
//
// In go small ports: what the store has of runs and items, and what an operator may order; out
// comes an [http.Handler] that serves HTML, one style sheet and one script, all of them part of the
// binary. It works without the script, asks no other server for anything, and shows every foreign
// text as text. It reads only while someone looks, and no question takes more than a hundredth of
// the time, however many look. It never decides what an order means, and knows no store.
package dashboard
