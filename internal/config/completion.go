package config

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"shoal/internal/upstream"
)

// words is the form of Setting.Arg where the value is one of some words.
var words = regexp.MustCompile(`^[a-z]+(\|[a-z]+)+$`)

// completeFlags has the shell complete the values of flags: the words that a flag takes, and files
// where it takes one.
func completeFlags(cmd *cobra.Command, kinds upstream.Table) {
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	for _, s := range Settings() {
		if cmd.Flags().Lookup(s.Name) == nil || s.Arg == "" {
			continue
		}
		complete := cobra.NoFileCompletions
		switch {
		case s.Arg == "FILE", s.Arg == "URI", s.Name == "store":
			continue // the shell completes files by itself
		case words.MatchString(s.Arg):
			complete = cobra.FixedCompletions(strings.Split(s.Arg, "|"), cobra.ShellCompDirectiveNoFileComp)
		case len(s.words(kinds)) > 0:
			complete = cobra.FixedCompletions(s.words(kinds), cobra.ShellCompDirectiveNoFileComp)
		}
		// The only error is for a flag that is not there.
		_ = cmd.RegisterFlagCompletionFunc(s.Name, complete)
	}
}

// words are the values of a setting whose Arg does not list them.
func (s Setting) words(kinds upstream.Table) []string {
	switch s.Name {
	case "progress":
		return []string{autoText, "bar", "plain", "json", "none"}
	case "log-level":
		return []string{"debug", "info", "warn", "error"}
	case "outcome":
		return []string{"dead", "skipped", "missing", "landed"}
	case "upstream":
		return kinds.Names()
	case "shard":
		return []string{autoText}
	}
	return nil
}
