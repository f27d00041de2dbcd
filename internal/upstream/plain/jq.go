package plain

import (
	"context"
	"errors"
	"fmt"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"shoal/internal/harvest"
)

// ErrExpression is wrapped by the errors of [New] about jq.
var ErrExpression = errors.New("not a jq expression")

// program is one compiled expression. It sees only the answer: no environment, no files, no
// modules, no further input.
type program struct {
	flag   string
	source string
	code   *gojq.Code
	linear bool // it may run here, whatever the answer holds
	aside  Aside
	// memory is how far the heap may grow while it runs here.
	memory uint64
}

// compile returns nil for an empty expression.
func compile(flag, source string, memory int, aside Aside) (*program, error) {
	if strings.TrimSpace(source) == "" {
		return nil, nil
	}
	query, err := gojq.Parse(source)
	if err != nil {
		return nil, badExpression(flag, source, err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, badExpression(flag, source, err)
	}
	return &program{flag: flag, source: source, code: code, linear: linear(query), aside: aside, memory: uint64(memory)}, nil
}

// badExpression shows the line that breaks with a caret under the place. The compiler's errors have
// no position, but they name what can be searched for.
func badExpression(flag, source string, err error) error {
	at := -1
	var parse *gojq.ParseError
	if errors.As(err, &parse) {
		at = min(parse.Offset, len(source)) - len(parse.Token)
	} else if _, name, ok := strings.Cut(err.Error(), ": "); ok {
		name, _, _ = strings.Cut(name, "/")
		at = strings.Index(source, name)
	}
	if at < 0 {
		return fmt.Errorf("--%s: %w: %s in: %s", flag, ErrExpression, err.Error(), source)
	}
	before := source[:at]
	row := strings.Count(before, "\n")
	line := strings.Split(source, "\n")[row]
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	said := fmt.Errorf("--%s: %w: %s at line %d, column %d", flag, ErrExpression, err.Error(), row+1, column+1)
	return &harvest.Detailed{Err: said, Below: []string{line, strings.Repeat(" ", column) + "^"}}
}

var errMemory = errors.New("it took too much memory")

// guard ends a run that fills the memory. The growth of other work counts too, so the bound is
// generous, and one step of the program that takes everything at once is seen only afterwards.
func guard(ctx context.Context, most uint64, end context.CancelCauseFunc) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() uint64 { metrics.Read(sample); return sample[0].Value.Uint64() }
	before := heap()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if heap() > before+most {
				end(fmt.Errorf("%w: the heap grew by more than %d MiB", errMemory, most>>20))
				return
			}
		}
	}
}

// each calls visit with every value that the program yields, until an error of either. It ends
// after limit, whatever the program does; `halt` ends it without an error.
func (p *program) each(d *input, bounds bounds, visit func(yield) error) error {
	if p.aside != nil && (!p.linear || d.longNumber) {
		err := p.elsewhere(d, bounds, visit)
		if !errors.Is(err, ErrNoProcess) {
			return err
		}
	}
	value, err := d.value()
	if err != nil {
		return err
	}
	return p.here(value, bounds.limit, func(v any) error { return visit(yield{v: v}) })
}

// here runs the program in this process, which checks on it between its steps.
func (p *program) here(v any, limit time.Duration, visit func(any) error) (err error) {
	// No way to make the library panic is known; if an answer finds one, it costs only that answer.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("jq failed: %v", r)
		}
	}()
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if p.memory > 0 && !p.linear {
		// Most runs are over before the guard has to look at them.
		watch := time.AfterFunc(20*time.Millisecond, func() { guard(ctx, p.memory, end) })
		defer watch.Stop()
	}
	values := p.code.RunWithContext(ctx, v)
	for {
		v, ok := values.Next()
		if !ok {
			return nil
		}
		if err, failed := v.(error); failed {
			if cause := context.Cause(ctx); errors.Is(cause, errMemory) {
				return Stuck(cause)
			}
			return explain(err, limit)
		}
		if err := visit(v); err != nil {
			return err
		}
	}
}

// explain turns an error of a running program into words; it returns nil for a plain halt.
func explain(err error, limit time.Duration) error {
	var halt *gojq.HaltError
	switch {
	case errors.As(err, &halt) && halt.Value() == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return Stuck(fmt.Errorf("it took longer than %s", limit))
	}
	return err
}
