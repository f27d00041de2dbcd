// Package sqltext has the statements that both stores run, as texts: the tables and what they mean
// are the same, so that one text serves both. It runs none.
package sqltext
