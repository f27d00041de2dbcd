package plain

import "github.com/itchyny/gojq"

// linear reports whether the work of an expression is bounded by the size of the answer: each of
// its steps looks at a part of the answer or makes one small value, there are at most a fixed
// number of steps for each value of the answer, and none of them makes text. Such an expression may
// run here; any other runs aside, where it can be ended. An unknown function, such as one that a
// later version of the library adds, is not linear.
func linear(q *gojq.Query) bool {
	ok, _ := linearQuery(q)
	return ok
}

// simpleFunction reports whether a function without arguments looks at one value only.
func simpleFunction(name string) bool {
	switch name {
	case "length", "type", "not", "empty", "null", "true", "false", "arrays", "objects", "iterables", "booleans", "numbers", "strings",
		"nulls", "values", "scalars", "first", "last":
		return true
	}
	return false
}

// linearQuery also reports whether the expression may yield more than one value. If two such
// expressions were nested, so that each yields all its values for each of the other's, the product
// would not be linear.
func linearQuery(q *gojq.Query) (ok, many bool) {
	if q == nil {
		return true, false
	}
	if q.Meta != nil || len(q.Imports)+len(q.FuncDefs)+len(q.Patterns) > 0 {
		return false, false
	}
	if q.Term != nil {
		return linearTerm(q.Term)
	}
	left, manyLeft := linearQuery(q.Left)
	right, manyRight := linearQuery(q.Right)
	if !left || !right {
		return false, false
	}
	switch q.Op {
	case gojq.OpPipe: // where the left side yields parts of the answer, the right side goes through each part once
		return !manyLeft || !manyRight || parts(q.Left), manyLeft || manyRight
	case gojq.OpComma:
		return true, true
	case gojq.OpAlt:
		return true, manyLeft || manyRight
	case gojq.OpAnd, gojq.OpOr, gojq.OpEq, gojq.OpNe, gojq.OpLt, gojq.OpLe, gojq.OpGt, gojq.OpGe:
		return !manyLeft || !manyRight, manyLeft || manyRight
	default: // arithmetic and updates
		return false, false
	}
}

// parts reports whether everything that an expression yields is a part of its input, each part
// once.
func parts(q *gojq.Query) bool {
	if q.Term == nil {
		return q.Op == gojq.OpPipe && parts(q.Left) && parts(q.Right)
	}
	switch q.Term.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeIndex:
		return true
	case gojq.TermTypeFunc:
		return q.Term.Func.Name == "select" && len(q.Term.SuffixList) == 0
	case gojq.TermTypeQuery:
		return len(q.Term.SuffixList) == 0 && parts(q.Term.Query)
	default:
		return false
	}
}

func linearTerm(t *gojq.Term) (ok, many bool) {
	switch t.Type {
	case gojq.TermTypeIdentity, gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		ok = true
	case gojq.TermTypeIndex:
		ok = linearIndex(t.Index)
	case gojq.TermTypeString:
		ok = len(t.Str.Queries) == 0
	case gojq.TermTypeFunc:
		ok = linearFunction(t.Func)
	case gojq.TermTypeObject:
		ok, many = linearObject(t.Object)
	case gojq.TermTypeArray:
		ok, _ = linearQuery(t.Array.Query)
	case gojq.TermTypeIf:
		ok, many = linearIf(t.If)
	case gojq.TermTypeQuery:
		ok, many = linearQuery(t.Query)
	default: // loops, recursion, formats
		return false, false
	}
	for _, suffix := range t.SuffixList {
		switch {
		case suffix.Index != nil:
			ok = ok && linearIndex(suffix.Index)
		case suffix.Iter:
			many = true
		}
	}
	return ok, many
}

// linearIndex handles .name, ."name", .[0] and .["name"]: a computed index may be a list, which is
// searched for.
func linearIndex(i *gojq.Index) bool {
	switch {
	case i.IsSlice || i.End != nil:
		return false
	case i.Str != nil:
		return len(i.Str.Queries) == 0
	case i.Start == nil:
		return true
	}
	return constant(i.Start)
}

// constant reports whether an expression is a literal number or text.
func constant(q *gojq.Query) bool {
	t := q.Term
	if t == nil || len(q.FuncDefs) > 0 || len(t.SuffixList) > 0 {
		return false
	}
	if t.Type == gojq.TermTypeUnary {
		t = t.Unary.Term
	}
	return t.Type == gojq.TermTypeNumber && len(t.SuffixList) == 0 || t.Type == gojq.TermTypeString && len(t.Str.Queries) == 0
}

// linearFunction reports whether a call is linear; no linear function yields more than one value.
func linearFunction(f *gojq.Func) bool {
	if len(f.Args) == 0 {
		return simpleFunction(f.Name)
	}
	if len(f.Args) > 1 {
		return false
	}
	ok, many := linearQuery(f.Args[0])
	switch f.Name {
	case "map", "first":
		return ok
	case "select":
		return ok && !many // it yields its input as often as the condition is true
	case "has":
		return constant(f.Args[0])
	}
	return false
}

func linearObject(o *gojq.Object) (ok, many bool) {
	for _, member := range o.KeyVals {
		if member.KeyQuery != nil || member.KeyString != nil && len(member.KeyString.Queries) > 0 || len(member.Key) > 0 && member.Key[0] == '$' {
			return false, false
		}
		fine, more := linearQuery(member.Val)
		if !fine || more && many {
			return false, false
		}
		many = many || more
	}
	return true, many
}

func linearIf(i *gojq.If) (ok, many bool) {
	conditions, results := []*gojq.Query{i.Cond}, []*gojq.Query{i.Then, i.Else}
	for _, elif := range i.Elif {
		conditions, results = append(conditions, elif.Cond), append(results, elif.Then)
	}
	for _, q := range conditions {
		if fine, more := linearQuery(q); !fine || more {
			return false, false
		}
	}
	for _, q := range results {
		fine, more := linearQuery(q)
		if !fine {
			return false, false
		}
		many = many || more
	}
	return true, many
}
