// Package arch has no code: its test holds the table of who may import whom.
package arch
