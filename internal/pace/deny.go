package pace

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// deniedFor is how long Redis may refuse us before a person must change its settings: rights are
// often changed in several steps, and a user is made again after a failover.
const deniedFor = int64(5 * time.Second)

// denial is what a person must change where Redis refuses our rights or our name; nil for any other
// error, which may pass.
func denial(err error) error {
	said := redis.Error(nil)
	if !errors.As(err, &said) {
		return nil
	}
	for _, sign := range []string{"NOPERM", "NOAUTH", "WRONGPASS", "ACL failure", "can't run this command", "can't publish"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("while the run was under way, the rights on Redis were changed: %w", diagnose("EVALSHA", err))
		}
	}
	return nil
}

// deny takes note of a call that failed at now. Once Redis has refused us for long, those who wait
// for a permit are given the reason: without the fleet's budget nothing is sent, and no waiting
// brings it back.
func (p *Pacer) deny(now int64, err error) {
	why := denial(err)
	switch {
	case why == nil:
		p.denied = 0
	case p.denied == 0:
		p.denied = max(1, now)
	case now-p.denied > deniedFor && p.refused == nil:
		p.refused = why
		for _, w := range p.queue {
			close(w.permit)
		}
		p.queue = nil
	}
}

// ended is why no permit is given any more.
func (p *Pacer) ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused != nil {
		return p.refused
	}
	return ErrClosed
}
