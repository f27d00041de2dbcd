package plain

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"

	"github.com/itchyny/gojq"
	"github.com/segmentio/encoding/json"
)

// Only this file knows which JSON library we use.

// decode makes of a text that scan has accepted the values that gojq works on: nil, bool, string,
// int, [json.Number], []any and map[string]any. Numbers that are not small integers stay literals,
// so that none of their digits is lost.
//
// It builds the tree from tokens, because Unmarshal into any reads a value once for each level of
// its depth. It counts itself which string is a key: the tokenizer's IsKey stays true after an
// empty object (v0.5.4), and the next value of the surrounding list would be lost.
func decode(b []byte) any {
	var (
		stack []container
		root  any
	)
	for t := json.NewTokenizer(b); t.Next(); {
		var v any
		switch t.Delim {
		case '{':
			stack = append(stack, container{object: map[string]any{}})
			continue
		case '[':
			stack = append(stack, container{list: []any{}})
			continue
		case ',':
			continue
		case ':':
			stack[len(stack)-1].keyed = true
			continue
		case '}', ']':
			v = stack[len(stack)-1].value()
			stack = stack[:len(stack)-1]
		default:
			if top := len(stack) - 1; top >= 0 && stack[top].wantsKey() {
				stack[top].key = string(t.String())
				continue
			}
			v = scalar(t)
		}
		if len(stack) == 0 {
			root = v
			continue
		}
		stack[len(stack)-1].add(v)
	}
	return root
}

// container is an object or a list that is being filled.
type container struct {
	object map[string]any // nil for a list
	list   []any
	key    string
	keyed  bool // key and colon have come, the member's value is next
}

func (c *container) wantsKey() bool { return c.object != nil && !c.keyed }

func (c *container) value() any {
	if c.object != nil {
		return c.object
	}
	return c.list
}

func (c *container) add(v any) {
	if c.object != nil {
		c.object[c.key], c.keyed = v, false
		return
	}
	c.list = append(c.list, v)
}

func scalar(t *json.Tokenizer) any {
	switch {
	case t.Value.String():
		return string(t.String())
	case t.Value.Null():
		return nil
	case t.Value.True():
		return true
	case t.Value.False():
		return false
	}
	literal := string(t.Value)
	if n, err := strconv.Atoi(literal); err == nil && literal != "-0" {
		return n
	}
	return stdjson.Number(literal)
}

var errLarge = errors.New("too large")

// encoder writes what gojq yields as JSON, keys in order, up to a number of bytes and a depth: an
// expression can make values larger than any answer.
type encoder struct {
	out   []byte
	most  int
	depth int
}

// encode returns errDeep or errLarge when a bound is hit.
func (e *encoder) encode(v any, depth int) error {
	if len(e.out) > e.most {
		return errLarge
	}
	switch v := v.(type) {
	case string:
		e.out = json.AppendEscape(e.out, v, 0)
	case []any:
		return e.list(v, depth+1)
	case map[string]any:
		return e.object(v, depth+1)
	case *big.Int:
		e.out = v.Append(e.out, 10)
	case nil, bool, int, float64, stdjson.Number:
		text, err := gojq.Marshal(v) // writes NaN as null and cuts infinities, as jq does
		if err != nil {
			return fmt.Errorf("write a number of a record: %w", err)
		}
		e.out = append(e.out, text...)
	default:
		return fmt.Errorf("the expression yields a %T, which is not JSON", v)
	}
	return nil
}

func (e *encoder) list(values []any, depth int) error {
	if depth > e.depth {
		return errDeep
	}
	e.out = append(e.out, '[')
	for i, v := range values {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if err := e.encode(v, depth); err != nil {
			return err
		}
	}
	e.out = append(e.out, ']')
	return nil
}

func (e *encoder) object(members map[string]any, depth int) error {
	if depth > e.depth {
		return errDeep
	}
	e.out = append(e.out, '{')
	for i, key := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.out = append(json.AppendEscape(e.out, key, 0), ':')
		if err := e.encode(members[key], depth); err != nil {
			return err
		}
	}
	e.out = append(e.out, '}')
	return nil
}

// marshalMap writes a flat object of valid strings, keys in order.
func marshalMap(m map[string]string) []byte {
	out := []byte{'{'}
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(json.AppendEscape(out, key, 0), ':')
		out = json.AppendEscape(out, m[key], 0)
	}
	return append(out, '}')
}
