// Package schema reads the migrations of a store and compares its version with what this binary
// knows. It runs none.
package schema
