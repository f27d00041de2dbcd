package opening

import (
	"cmp"

	"shoal/internal/harvest"
)

// AsNow returns the given run without an extract that is a former one.
func AsNow(given harvest.Run, former bool) harvest.Run {
	if former {
		given.Extract = ""
	}
	return given
}

// Adopted returns the stored run with what a later start may change.
func Adopted(stored, given harvest.Run) harvest.Run {
	if given.Rate != "" {
		stored.Rate = given.Rate
	}
	stored.Check, stored.Wait = cmp.Or(given.Check, stored.Check), cmp.Or(given.Wait, stored.Wait)
	stored.Pack = cmp.Or(given.Pack, stored.Pack)
	if stored.Corpus == "" {
		stored.Corpus = given.Corpus
	}
	if stored.Shards == 0 {
		stored.Shards = given.Shards
	}
	return stored
}

// Redefined returns the inputs of a run that is given others; inputs that are not given stay.
func Redefined(stored, given harvest.Run) harvest.Run {
	stored.Upstream, stored.API, stored.Host = cmp.Or(given.Upstream, stored.Upstream), cmp.Or(given.API, stored.API), cmp.Or(given.Host, stored.Host)
	stored.Extract, stored.Body, stored.Corpus = cmp.Or(given.Extract, stored.Extract), cmp.Or(given.Body, stored.Body), cmp.Or(given.Corpus, stored.Corpus)
	stored.Next, stored.Items = cmp.Or(given.Next, stored.Next), cmp.Or(given.Items, stored.Items)
	stored.Split, stored.ID, stored.Absent = cmp.Or(given.Split, stored.Split), cmp.Or(given.ID, stored.ID), cmp.Or(given.Absent, stored.Absent)
	return Adopted(stored, given)
}

// Relists reports whether what was enumerated for a run is void with the inputs that it is given.
func Relists(stored, given harvest.Run) bool {
	other := func(stored, given string) bool { return given != "" && given != stored }
	return other(stored.Corpus, given.Corpus) || other(stored.API, given.API) || other(stored.Host, given.Host) ||
		other(stored.Next, given.Next) || other(stored.Items, given.Items)
}
