// Package tables knows the rows of a store: columns and their order, values that every database
// takes, and what to undo when an item is fetched again. In go pages and entries, out come values;
// it talks to no database.
package tables
