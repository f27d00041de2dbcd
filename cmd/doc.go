// Package cmd has no code: its folders are the programs, and its tests drive
// them as a person does, one story a file in testdata.
package cmd
