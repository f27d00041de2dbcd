// Package control carries operators' orders to one process: to its pace, and to the process itself.
//
// In go the rows of the store that operators write; out come a rate, a hold and a request to stop. While the store is
// away the last orders stand. It makes no request to the upstream, and it never writes to the store.
package control
