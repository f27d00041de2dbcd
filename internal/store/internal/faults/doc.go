// Package faults words the errors and the names of operations that both stores share. It knows no
// driver.
package faults
