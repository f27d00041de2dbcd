// Package arch has no code: its test holds the table of which package may import which.
package arch
