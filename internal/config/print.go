package config

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// print writes every setting with its origin. The output is itself a valid file. A value that holds
// a credential, or that no file may hold, is a comment, so that it has no effect when the file is
// read back.
func (l *layers) print(w io.Writer) error {
	var b strings.Builder
	for _, g := range groups() {
		head := "# " + string(g) + "\n"
		for _, s := range Settings() {
			if s.Group != g || s.Flag || !l.takes(s) {
				continue
			}
			b.WriteString(head + l.line(s) + "\n")
			head = ""
		}
	}
	for _, part := range l.file.sections {
		forgetComments(part.node)
		text, err := yaml.Marshal(map[string]*yaml.Node{part.key: part.node})
		if err != nil {
			return fmt.Errorf("print %s: %w", part.key, err)
		}
		fmt.Fprintf(&b, "# from file %s:%d\n%s", l.file.name, part.node.Line, text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// forgetComments removes a person's notes, which may hold an old password.
func forgetComments(node *yaml.Node) {
	node.HeadComment, node.LineComment, node.FootComment = "", "", ""
	for _, child := range node.Content {
		forgetComments(child)
	}
}

// printColumn is the column of the origins, so that they can be read at a glance.
const printColumn = 30

func (l *layers) line(s Setting) string {
	text, from := l.text(s.Name), l.source(s.Name).String()
	value := s.Name + ": " + scalar(text, s.List)
	switch {
	case s.Address && text != "":
		value, from = "# "+s.Name+": "+hostsOnly(text), from+" (redacted)"
	case s.hides(text):
		value, from = "# "+s.Name+": "+Redact(text), from+" (redacted)"
	case s.Name == "corpus" && signed.MatchString(text):
		address, _, _ := strings.Cut(text, "?")
		value, from = "# "+s.Name+": "+address+"?…", from+" (its query may be a signature)"
	case s.In == inProfile:
		value = "# " + value
	}
	return fmt.Sprintf("%-*s  # from %s", printColumn, value, from)
}

// scalar returns a text in YAML, plain where that reads back as the same text.
func scalar(text string, list bool) string {
	if list {
		items := splitList(text)
		for i, item := range items {
			items[i] = scalar(item, false)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	var doc struct{ K yaml.Node }
	err := yaml.Unmarshal([]byte("k: "+text+"  # c"), &doc)
	if err == nil && doc.K.Kind == yaml.ScalarNode && doc.K.Tag != "!!null" && doc.K.Style == 0 && doc.K.Value == text && !strings.ContainsAny(text, ",[]{}\n") {
		return text
	}
	quoted := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: yaml.DoubleQuotedStyle}
	out, err := yaml.Marshal(quoted)
	if err != nil {
		return `""`
	}
	return strings.TrimSpace(string(out))
}
