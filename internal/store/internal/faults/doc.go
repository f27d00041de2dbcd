// Package faults words the errors and the names of operations that both stores have in common. It knows no driver.
package faults
