package plain

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
)

// Aside runs jobs in a place where they can be ended, whatever they do.
type Aside interface {
	// Do runs [Job] on the parts joined, within limit, and passes each frame that it yields to
	// visit; a frame is valid until visit returns. An error that wraps an [Ended] is about a job
	// that did not come to an end of its own.
	Do(limit time.Duration, visit func(frame []byte) error, parts ...[]byte) error
}

// Ended is an error of [Aside] about a job that did not come to an end of its own.
type Ended interface {
	error
	// Begun reports whether the job had begun, and so is the cause. One that had not runs in this
	// process.
	Begun() bool
}

// judged returns what an error of [Aside] means: an [ErrStuck], an [ErrNoProcess], or the error
// itself where the expression or its reader has failed.
func judged(err error) error {
	ended := Ended(nil)
	switch {
	case !errors.As(err, &ended):
		return err
	case ended.Begun():
		return Stuck(err)
	}
	return fmt.Errorf("%w: %w", ErrNoProcess, err)
}

// ErrStuck is the error of a run that was ended: it took too long, or too much memory. The same
// answer would end it again.
var ErrStuck = errors.New("the expression was ended")

// Stuck makes err an [ErrStuck] and keeps its text.
func Stuck(err error) error { return stuck{err} }

type stuck struct{ error }

// Is implements [errors.Is].
func (stuck) Is(target error) bool { return target == ErrStuck }

// Unwrap implements [errors.Unwrap].
func (s stuck) Unwrap() error { return s.error }

// ErrNoProcess is the error of a job that could not begin.
var ErrNoProcess = errors.New("nothing to run it aside")

// input is an answer on which expressions run.
type input struct {
	text       []byte // valid JSON that needs no fixing
	most       int64  // what it may weigh, decoded; 0 if that was afforded
	longNumber bool   // it holds a number too long to compute with here
	tree       any
	decoded    bool
}

// value decodes the text once.
func (d *input) value() (any, error) {
	if d.decoded {
		return d.tree, nil
	}
	if d.most > 0 && !light(d.text, d.most) {
		return nil, errHeavy
	}
	d.tree, d.decoded = decode(d.text), true
	return d.tree, nil
}

// errHeavy is about what an expression made of an answer, not about the answer.
var errHeavy = Stuck(errors.New("it took too much memory: what it yields has too many values"))

// maxYield is what one value that an expression yields may weigh, decoded, unless it is a part of
// the answer.
const maxYield = 16 << 20

// light reports whether a valid text may be decoded here.
func light(text []byte, most int64) bool {
	if 400*int64(len(text)) < most {
		return true
	}
	found, err := scan(text, deepest)
	return err == nil && found.weight(text) <= most
}

// yield is a value that an expression yields: the value itself, or its JSON text, valid until visit
// returns.
type yield struct {
	v    any
	text []byte
	err  error // it cannot be written: errDeep or errLarge
}

func (y yield) value() (any, error) {
	if y.text == nil {
		return y.v, y.err
	}
	if !light(y.text, maxYield) {
		return nil, errHeavy
	}
	return decode(y.text), nil
}

// part returns an input of a value that an expression yields on d.
func (d *input) part(y yield) (*input, error) {
	if y.text != nil {
		return &input{text: bytes.Clone(y.text), most: maxYield, longNumber: d.longNumber}, nil
	}
	return &input{tree: y.v, decoded: true, longNumber: d.longNumber}, y.err
}

// yield returns the whole input as if an expression had yielded it.
func (d *input) yield() yield {
	if d.text != nil {
		return yield{text: d.text}
	}
	return yield{v: d.tree}
}

// bytes returns the JSON text of the input.
func (d *input) bytes(b bounds) ([]byte, error) {
	if d.text != nil {
		return d.text, nil
	}
	e := encoder{most: b.most, depth: b.depth}
	err := e.encode(d.tree, 0)
	if err == nil {
		d.text = e.out
	}
	return d.text, err
}

// maxComputed is the longest number, in bytes, on which an expression may run here: the library's
// arithmetic takes time that grows with the square of the length.
const maxComputed = 1000

func (u *Upstream) input(text []byte, found findings) *input {
	return &input{text: text, longNumber: found.longest > maxComputed}
}

// weight returns about how much memory an answer takes once it is decoded: its text, and for each
// value its place and its own memory. An object takes a table with room for eight members, even if
// it has fewer.
func (f findings) weight(text []byte) int64 {
	return int64(len(text)) + 80*int64(f.values) + 340*int64(f.objects)
}

// enter prepares an answer, which scan has accepted, for expressions: it waits for memory, then for
// a slot. done gives both back. An [ErrStuck] means that the answer needs more than there will ever
// be.
func (u *Upstream) enter(a *harvest.Answer, text []byte, found findings) (in *input, done func(), err error) {
	free, err := u.afford(a, text, found)
	if err != nil {
		return nil, nil, Stuck(fmt.Errorf("its %d values need %w", found.values, err))
	}
	if found.dirty() {
		text = sanitize(text)
	}
	u.slots <- struct{}{}
	return u.input(text, found), func() {
		<-u.slots
		free()
	}, nil
}

// afford waits for the memory that the expressions take on an answer; free gives it back. Meanwhile
// it holds nothing that another answer may need.
func (u *Upstream) afford(a *harvest.Answer, text []byte, found findings) (free func(), err error) {
	here, aside := false, false
	for _, p := range []*program{u.extract, u.check, u.wait, u.split, u.id, u.next, u.items} {
		if p != nil {
			away := p.aside != nil && (!p.linear || found.longest > maxComputed)
			here, aside = here || !away, aside || away
		}
	}
	need := int64(len(text)) // of what is yielded
	if here {
		need += 2 * found.weight(text) // an expression may make a value of each that it reads
	}
	if err := a.Grow(need); err != nil {
		return nil, err
	}
	return func() { a.Shrink(need) }, nil
}

func (u *Upstream) bounds() bounds {
	return bounds{limit: u.config.Limit, most: u.config.MaxYield, depth: u.config.MaxDepth}
}

// bounds are the limits of one run.
type bounds struct {
	limit time.Duration
	most  int // bytes of all that it yields
	depth int
}

// A frame of a job begins with one of these.
const (
	yieldValue = 'v'
	yieldDeep  = 'd'
	yieldLarge = 'l'
)

// elsewhere runs the program aside.
func (p *program) elsewhere(d *input, b bounds, visit func(yield) error) error {
	text, err := d.bytes(b)
	if err != nil {
		return err
	}
	head := binary.LittleEndian.AppendUint32(make([]byte, 0, 12+len(p.source)), uint32(len(p.source)))
	head = binary.LittleEndian.AppendUint32(head, uint32(b.most))
	head = binary.LittleEndian.AppendUint32(head, uint32(b.depth))
	head = append(head, p.source...)
	return judged(p.aside.Do(b.limit, func(frame []byte) error {
		switch frame[0] {
		case yieldDeep:
			return visit(yield{err: errDeep})
		case yieldLarge:
			return visit(yield{err: errLarge})
		}
		return visit(yield{text: frame[1:]})
	}, head, text))
}

var errNoJob = errors.New("no job for an expression")

// Jobs does the jobs of other processes' [Aside]. It keeps the programs of former jobs.
type Jobs struct{ programs map[string]*program }

// Do does one job: it runs an expression on a JSON text and emits what it yields.
func (j *Jobs) Do(job []byte, emit func(frame []byte) error) error {
	if len(job) < 12 {
		return errNoJob
	}
	length, most, depth := int(binary.LittleEndian.Uint32(job)), int(binary.LittleEndian.Uint32(job[4:])), int(binary.LittleEndian.Uint32(job[8:]))
	if len(job) < 12+length {
		return errNoJob
	}
	source, text := string(job[12:12+length]), job[12+length:]
	p := j.programs[source]
	if p == nil {
		var err error
		if p, err = compile("jq", source, 0, nil); err != nil {
			return err
		}
		if j.programs == nil {
			j.programs = map[string]*program{}
		}
		j.programs[source] = p
	}
	var frame []byte
	left := most
	return p.here(decode(text), maxRun, func(v any) error {
		e := encoder{out: append(frame[:0], yieldValue), most: left + 1, depth: depth}
		err := e.encode(v, 0)
		switch {
		case errors.Is(err, errDeep):
			e.out = []byte{yieldDeep}
		case errors.Is(err, errLarge) || err == nil && len(e.out) > left+1:
			e.out = []byte{yieldLarge}
		case err != nil:
			return err
		}
		frame = e.out
		left -= len(frame) - 1
		return emit(frame)
	})
}

// maxRun is longer than any limit: the process that asked for the run ends it.
const maxRun = time.Hour
