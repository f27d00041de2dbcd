// Package chart draws small charts as SVG.
//
// In go numbers with their instants and labels; out comes the text of an SVG element that needs no
// script, no style of its own and no request, with a title and a description for those who do not
// see it. Every label is escaped. It reads no clock and never fails.
package chart
