package config

import (
	"fmt"
	"strings"

	"shoal/internal/upstream"
)

// Markdown returns the table of settings for the docs.
func Markdown(kinds upstream.Table) string {
	var b strings.Builder
	b.WriteString("| flag and key | environment | default | what it does |\n|---|---|---|---|\n")
	for _, g := range groups() {
		for _, s := range Settings() {
			if s.Group != g || s.In == inProfile {
				continue
			}
			flag := strings.TrimSpace("--" + s.Name + " " + s.Arg)
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", cell(flag), s.Env(), cell(s.Default), cell(withKinds(s.Help, kinds)))
		}
	}
	b.WriteString("\n## Credentials, headers, profiles\n\nThese keys of `shoal.yaml` have neither a flag nor a variable. [Kinds of credentials](partner-api.md#kinds-of-credentials) has an example of each.\n\n| key | what it does |\n|---|---|\n")
	for _, s := range Sections() {
		fmt.Fprintf(&b, "| `%s:` | %s |\n", s.Name, cell(withKinds(s.Help, kinds)))
	}
	return b.String()
}

// cell returns a text that does not end its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
