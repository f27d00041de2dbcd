package worker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// closings is a corpus that counts how often it is closed.
type closings struct{ n int }

var errClosing = errors.New("cannot be closed")

func (c *closings) Close() error {
	c.n++
	return errClosing
}

// TestCloseRead states which corpus is closed, and when.
func TestCloseRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		reads  bool          // a worker has begun to read it
		ends   time.Duration // when that ends; 0: never
		closed bool
		after  time.Duration
	}{
		{name: "a corpus without a reader", closed: true},
		{name: "a reader that ends", reads: true, ends: lastRead / 2, closed: true, after: lastRead / 2},
		{name: "a read that cannot be interrupted", reads: true, after: lastRead},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				corpus, ended, began := &closings{}, make(chan struct{}), time.Now()
				var reading func() <-chan struct{}
				if test.reads {
					reading = func() <-chan struct{} { return ended }
				}
				if test.ends > 0 {
					time.AfterFunc(test.ends, func() { close(ended) })
				}
				closed, err := CloseRead(corpus, reading)
				if closed != test.closed || errors.Is(err, errClosing) != test.closed || (corpus.n == 1) != test.closed {
					t.Errorf("CloseRead() = %v, %v, and closes it %d times, want %v", closed, err, corpus.n, test.closed)
				}
				if took := time.Since(began); took != test.after {
					t.Errorf("CloseRead() took %s, want %s", took, test.after)
				}
			})
		})
	}
}

// TestCloseNothing checks that a corpus that is not open does not wait for its reader.
func TestCloseNothing(t *testing.T) {
	t.Parallel()
	if closed, err := CloseRead(nil, func() <-chan struct{} { return nil }); !closed || err != nil {
		t.Errorf("CloseRead(nil) = %v, %v, want true", closed, err)
	}
}
