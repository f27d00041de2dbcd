// Package opening decides what a run that is opened again takes from what is given, and what stays
// as it is stored. In go two runs, out comes one; it is pure.
package opening
