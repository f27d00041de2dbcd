package config

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"shoal/internal/upstream"
)

const workerExamples = `# a list of URLs, nothing installed; Ctrl-C and run it again to continue
worker --corpus urls.txt --contact ada@uni.edu

# look at three answers first, store nothing
worker --corpus urls.txt --contact ada@uni.edu --try

# ids and a template, records by jq
worker --corpus ids.txt --url 'https://api.example/v1/items/{id}' \
       --extract '.data[]' --rate 200/min --contact ada@uni.edu

# the second of four machines
worker --corpus urls.txt --shard 1/4 --redis redis://db:6379 \
       --store postgres://shoal@db/shoal --contact ada@uni.edu`

// helpWidth fits the narrowest terminal in common use.
const helpWidth = 80

// writeHelp shows the examples first, then the flags by their purpose.
func writeHelp(w io.Writer, cmd *cobra.Command, set Set, kinds upstream.Table) {
	var b strings.Builder
	text := cmd.Short
	if cmd.Long != "" {
		text = strings.TrimSpace(cmd.Long)
	}
	fmt.Fprintf(&b, "%s\n\nUsage:\n  %s\n", text, cmd.UseLine())
	if cmd.Example != "" {
		b.WriteString("\nExamples:\n")
		for line := range strings.Lines(cmd.Example + "\n") {
			b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
		}
	}
	if subs := cmd.Commands(); len(subs) > 0 {
		b.WriteString("\nCommands:\n")
		for _, sub := range subs {
			writeEntry(&b, sub.Name(), sub.Short)
		}
		fmt.Fprintf(&b, "\nEach has its own help: %s COMMAND --help\n", cmd.CommandPath())
	}
	for _, g := range groups() {
		writeGroup(&b, g, set, kinds)
	}
	if set&inHarvest != 0 {
		fmt.Fprintf(&b, "\nCredentials and headers, in %s only:\n", fileName)
		for _, s := range Sections() {
			writeEntry(&b, s.Name+":", withKinds(s.Help, kinds))
		}
	}
	if set != 0 {
		fmt.Fprintf(&b, "\nEach flag is also an environment variable (--log-level: SHOAL_LOG_LEVEL) and a\nkey of %s (log-level: info). A flag wins over the environment, that over\nthe file. Passwords go into the environment or the file, never into a flag.\n", fileName)
	}
	// A closed stdout is not worth an error here.
	_, _ = io.WriteString(w, b.String())
}

func writeGroup(b *strings.Builder, g Group, set Set, kinds upstream.Table) {
	head := "\n" + string(g) + ":\n"
	for _, s := range Settings() {
		if s.Group != g || s.In&set == 0 || s.In == inProfile {
			continue
		}
		b.WriteString(head)
		head = ""
		writeEntry(b, strings.TrimSpace("--"+s.Name+" "+s.Arg), s.withDefault(withKinds(s.Help, kinds)))
	}
}

// withDefault adds the default to a help, where it is more than "off".
func (s Setting) withDefault(help string) string {
	if !s.Switch() && !slices.Contains([]string{"", "0", autoText}, s.Default) {
		help += " (" + s.Default + ")"
	}
	return help
}

// writeEntry puts the explanation beside the name, wrapped, or below a long name.
func writeEntry(b *strings.Builder, name, help string) {
	const column = 26
	line := "  " + name
	if len(line) >= column {
		b.WriteString(line + "\n")
		line = ""
	}
	line += strings.Repeat(" ", column-len(line))
	for word := range strings.FieldsSeq(help) {
		if len([]rune(line))+len([]rune(word)) > helpWidth {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = strings.Repeat(" ", column)
		}
		line += word + " "
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// flagError turns an error of pflag into a sentence that repeats no value.
func flagError(err error, set Set) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return Usagef("flags are words with two dashes, such as --rate; see --help")
		}
		if secretWord.MatchString(name) || name == "auth" || name == "header" || name == "headers" || name == "user" {
			return Usagef("there is no flag --%s: credentials and headers do not go onto the command line, where every user of this machine can read them. Write them into %s, such as auth: {kind: bearer, secret-env: API_TOKEN}", name, fileName)
		}
		var known []string
		for _, s := range Settings() {
			if s.takenBy(set) {
				known = append(known, s.Name)
			}
		}
		return Usagef("there is no flag --%s%s; see --help", name, suggest(name, known))
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		s, _ := find(missing.GetSpecifiedName())
		return Usagef("--%s needs a value: --%s %s", missing.GetSpecifiedName(), s.Name, s.Arg)
	}
	return Usagef("the flags cannot be read; write them as --name value or --name=value, see --help")
}
