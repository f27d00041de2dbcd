package main

import (
	"fmt"

	"shoal/cmd/internal/exits"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/status"
)

// explained is coordinator explain. Scripts rely on the names of its JSON.
type explained struct {
	Topic string `json:"topic"`
	Exit  int    `json:"exit_code"`
	Text  string `json:"text"` // Markdown
}

// explain prints what docs/exit-codes.md has about a kind of error; without a topic it lists them.
func (p *program) explain(topic string, asJSON bool) error {
	found := exits.Find(topic)
	if len(found) == 0 {
		return config.Usagef("there is nothing about %s: coordinator explain lists the topics, and coordinator explain 4 those of one exit code", harvest.Quote(topic))
	}
	if asJSON {
		all := make([]explained, len(found))
		for i, k := range found {
			all[i] = explained{k.Name, k.Code, k.Section()}
		}
		return p.printJSON(all)
	}
	if topic == "" {
		return p.table([]status.Column{{Name: "EXIT"}, {Name: "TOPIC"}, {Name: "WHAT HAPPENED", Rank: 1, MinWidth: 20}}, func(row func(cells ...any)) {
			for _, k := range found {
				row(k.Code, k.Name, k.Summary())
			}
		})
	}
	for i, k := range found {
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		if err := p.paragraph(fmt.Sprintf("%s (docs/exit-codes.md#%s)\n\n%s\n", k.Name, k.Name, k.Section())); err != nil {
			return err
		}
	}
	return nil
}
