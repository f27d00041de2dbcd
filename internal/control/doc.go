// Package control carries operators' orders to one process: to its pace, and to the process itself.
//
// In go the rows of the store that operators write; out come a rate, a hold and a request to stop.
// While the store is unreachable the last orders hold. The package never makes a request to the
// upstream, and never writes to the store.
package control
