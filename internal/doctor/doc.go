// Package doctor looks at the settings, the services and the machine that a worker would use, and
// names what is wrong before a run meets it.
//
// In go ports: functions that each ask one service one question. Out comes a [Report]: a line for
// each look, with a verdict and what to change. The checks are tables of rows, a function for each
// service. It never repeats a rule that the worker has: it runs that rule. It never changes
// anything, waits for anything longer than its row allows, or knows a secret.
package doctor
