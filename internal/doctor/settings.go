package doctor

import (
	"context"
	"strings"
)

// Settings asks the settings about themselves. The errors are those that a worker would meet.
type Settings struct {
	File     string   // the configuration file; empty for none
	Invalid  error    // why they cannot be used
	Warnings []string // of the reader
	// Complete reports that each setting could be read. Without it only the fields above are looked
	// at.
	Complete bool
	// Expressions compiles them; Corpus reads to the first item and describes it; found is empty if
	// it cannot be looked at, for the reason why.
	Expressions func(ctx context.Context) error
	Corpus      func(ctx context.Context) (found, why string, err error)
	// Contact refuses to ask the upstream without a name, Site refuses what does not fit the
	// upstream. Both are nil if the upstream is not known.
	Contact, Site func() error
	Agent         string // User-Agent of each request
	Rate          string // of the budget, as typed
}

// OfSettings is the checks of the settings.
func OfSettings(s Settings) Group {
	whole := []string{"settings.values"}
	rows := []Row{
		{Name: "settings.file", About: "configuration file", Look: func(context.Context) Finding {
			if s.File == "" {
				return fine("none: flags, environment and defaults count")
			}
			return fine("%s", s.File)
		}},
		{Name: "settings.values", About: "values", Change: "correct what the sentence names; --print-config shows each setting and where it came from", Look: func(context.Context) Finding {
			return orFine(s.Invalid, "they can be read, and go together")
		}},
		{Name: "settings.warnings", About: "unwise settings", Change: "see docs/settings.md", Look: func(context.Context) Finding {
			if len(s.Warnings) > 0 {
				return warn("", "%s", strings.Join(s.Warnings, "; "))
			}
			return fine("none")
		}},
	}
	if !s.Complete {
		return Group{Name: "settings", Rows: rows}
	}
	rows = append(rows, Row{Name: "settings.expressions", About: "expressions", Needs: whole, Change: "correct the jq expression; docs/jq.md has examples", Look: func(ctx context.Context) Finding {
		return orFine(s.Expressions(ctx), "they compile")
	}}, Row{Name: "settings.corpus", About: "corpus", Change: "correct --corpus; docs/settings.md lists what it may be", Look: func(ctx context.Context) Finding {
		found, why, err := s.Corpus(ctx)
		if err == nil && found == "" {
			return unknown("%s", why)
		}
		return orFine(err, "%s", found)
	}})
	if s.Contact == nil {
		return Group{Name: "settings", Rows: rows}
	}
	return Group{Name: "settings", Rows: append(rows,
		Row{Name: "settings.contact", About: "User-Agent", Change: "add --contact with your mail address, or the URL of a page about the harvest", Look: func(context.Context) Finding {
			return orFine(s.Contact(), "%s", s.Agent)
		}},
		Row{Name: "settings.site", About: "rate and credential", Needs: []string{"settings.contact"}, Change: "keep to the profile of the site, and name the host that gets the credential", Look: func(context.Context) Finding {
			return orFine(s.Site(), "they fit the upstream; the budget is %s", s.Rate)
		}},
	)}
}
