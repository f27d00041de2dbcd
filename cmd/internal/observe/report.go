package observe

import (
	"context"
	"errors"
	"io"
	"net/url"

	"shoal/cmd/internal/console"
	"shoal/internal/dashboard"
	"shoal/internal/status"
	"shoal/internal/store"
	"shoal/internal/store/kinds"
)

const (
	// reportQuiets is how many silences of all processes a report is made of, reportLosses how many
	// ways to end without landing it lists, and reportExamples how many items of each.
	reportQuiets   = 20_000
	reportLosses   = 40
	reportExamples = 5
)

// WriteReport writes the report of a run as one page of HTML. address is where db is.
func WriteReport(ctx context.Context, w io.Writer, db *store.Store, address, run string) error {
	s := &source{address: address, db: db, speeds: map[string]*status.Speed{}}
	r := dashboard.Report{Store: placeOf(address), Version: console.Version()}
	var err error
	if r.Status, err = s.Status(ctx, run); err != nil {
		return err
	}
	if r.Sent.Minutes, err = db.ListMinutes(ctx, run, 0); err != nil {
		return err
	}
	if r.Sent.Quiets, err = db.ListQuiets(ctx, run, reportQuiets); err != nil {
		return err
	}
	r.MoreQuiets = len(r.Sent.Quiets) == reportQuiets
	if r.Manners, err = s.Manners(ctx, run); err != nil {
		return err
	}
	if r.Chains, err = s.Chains(ctx, run); err != nil {
		return err
	}
	counts, err := db.CountOutcomes(ctx, run, losses())
	if err != nil {
		return err
	}
	listed := min(len(counts), reportLosses)
	if r.Losses, err = lossesOf(ctx, db, run, counts[:listed], reportExamples); err != nil {
		return err
	}
	for _, c := range counts[listed:] {
		r.MoreLosses, r.MoreItems = r.MoreLosses+1, r.MoreItems+c.Items
	}
	if r.Base, err = s.base(ctx, r.Run.Base); err != nil {
		return err
	}
	return dashboard.WriteReport(w, r)
}

// base returns the run before, if there was one.
func (s *source) base(ctx context.Context, name string) (*dashboard.Base, error) {
	if name == "" {
		return nil, nil
	}
	before, err := s.Status(ctx, name)
	if errors.Is(err, dashboard.ErrUnknown) {
		before.Run.Name = name
		return &dashboard.Base{Status: before, Gone: true}, nil
	}
	return &dashboard.Base{Status: before}, err
}

// placeOf names the store at an address, without what may be secret there.
func placeOf(address string) string {
	if file, ok := kinds.Path(address); ok {
		return "SQLite, " + file
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "PostgreSQL"
	}
	return "PostgreSQL, " + u.Host + u.Path
}
