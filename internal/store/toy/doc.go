// Package toy has no code: its test is a third store, in memory, which keeps the contract of
// package storetest. It shows what a store has to do, without a database in the way, and what it
// need not write, since package simple has it; docs/adding-a-store.md begins with it.
package toy
