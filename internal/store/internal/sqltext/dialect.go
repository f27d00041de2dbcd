package sqltext

// Dialect is how a store writes what the statements have in common.
type Dialect struct {
	Schema    string             // before the name of a table
	Parameter func(n int) string // the n-th parameter, from 1
	Now       func(n int) string // the present instant: an expression, or the n-th parameter
	ChainName string             // the columns that name a chain, which are unique
	Integer   string             // behind a parameter that is a 64-bit integer
	Smaller   string             // the function that gives the smaller of two numbers
	Larger    string             // the function that gives the larger one
}
