package config

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

// addManual gives a program the command that writes its manual pages, one for each of its commands,
// as a release holds them. It is left out of the help: who has a release has the pages.
func addManual(root *cobra.Command) {
	root.AddCommand(&cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a folder", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return Usagef("man: %v", err)
			}
			return writeManual(root, args[0])
		},
	})
}

// writeManual writes the page of each command that is not hidden. The same version gives the same
// bytes, where SOURCE_DATE_EPOCH is set.
func writeManual(root *cobra.Command, dir string) error {
	explain(root)
	header := &doc.GenManHeader{Section: "1", Source: "Shoal " + root.Version, Manual: "Shoal"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return fmt.Errorf("write the manual pages into %s: %w", dir, err)
	}
	return nil
}

// explain adds what only the pages have: what a flag takes, its default, and where else a setting
// may be.
func explain(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	if cmd.Long == "" {
		cmd.Long = cmd.Short + "."
	}
	if cmd.Flags().Lookup("store") != nil || cmd.Flags().Lookup("rate") != nil {
		cmd.Long += fmt.Sprintf("\n\nEach flag is also an environment variable, such as SHOAL_LOG_LEVEL for --log-level, and a key of %s, such as log-level. "+
			"A flag wins over the environment, that over the file. Passwords go into the environment or the file, never into a flag.", fileName)
	}
	settings := Settings()
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == flag.Name }); i >= 0 {
			flag.DefValue = settings[i].Arg
			flag.Usage = settings[i].withDefault(flag.Usage)
		}
	})
	for _, sub := range cmd.Commands() {
		explain(sub)
	}
}
