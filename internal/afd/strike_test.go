package afd

import (
	"strings"
	"testing"
)

// Whatever draws a line through a vote strikes it.
func TestStruckVotes(t *testing.T) {
	t.Parallel()
	for _, strike := range []string{
		"<s>%</s>", "<S>%</S>", "<s >%</s>", "<strike>%</strike>", "<del>%</del>", "<del cite=\"x\">%</del>", "{{strike|%}}", "{{Strike|1=%}}", "{{s|%}}", "{{ S |%}}", "{{strikethrough|%}}", "{{strike through|%}}", "{{del|%}}", "{{stricken|%}}",
		"<span style=\"text-decoration:line-through\">%</span>", "<span style=\"text-decoration: line-through;\">%</span>", "<span style='text-decoration : LINE-THROUGH'>%</span>", "<span style=text-decoration:line-through>%</span>",
		"<span style=\"color:red; text-decoration:line-through; font-size:90%%\">%</span>", "<span style=\"text-decoration-line:line-through\">%</span>", "<span style=\"text-decoration:underline line-through red\">%</span>", "<SPAN STYLE=\"Text-Decoration: Line-Through\">%</SPAN>",
		"<div style=\"text-decoration:line-through\">%</div>", "<small style=\"text-decoration:line-through\">%</small>", "<font style=\"text-decoration:line-through\">%</font>", "<b style=\"text-decoration:line-through\">%</b>", "<span class=\"x\" style=\"text-decoration&#58;line-through\">%</span>",
		"<span style=\"text-decoration:line-through\"><span style=\"color:red\">x</span> %</span>", "<s><small>x</small> %</s>", "<s>{{tq|x}} %</s>", "{{s|{{tq|x}} %}}", "<span style=\"text-decoration:line-through\"><s>x</s> %</span>", "<small><s>%</small></s>",
	} {
		struck := strings.ReplaceAll(strings.ReplaceAll(strike, "%%", "\x00"), "%", "'''Keep'''")
		struck = strings.ReplaceAll(struck, "\x00", "%")
		if v := voteOf(struck+" I say", false); !v.struck || v.raw != "Keep" {
			t.Errorf("voteOf(%s) = %+v, want a struck Keep", struck, v)
		}
		if v := voteOf(struck+" '''Delete''' I say", false); v.struck || v.raw != "Delete" || len(v.labels) != 1 {
			t.Errorf("voteOf(%s '''Delete''') = %+v, want Delete", struck, v)
		}
	}
}

// What only looks like a strike is not one.
func TestUnstruckVotes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"<span style=\"text-decoration:underline\">'''Keep'''</span>", "<span title=\"line-through\">'''Keep'''</span>", "<span style=\"color:red\">'''Keep'''</span>", "<span class=\"text-decoration:line-through\">'''Keep'''</span>",
		"<span style=\"text-decoration:line-through; text-decoration:none\">'''Keep'''</span>", "<s style=\"text-decoration:none\">'''Keep'''</s>", "<span style=\"text-decoration:line-through\"></span>'''Keep'''", "<s></s>'''Keep'''",
		"<small>'''Keep'''</small>", "<u>'''Keep'''</u>", "<span style=\"text-decoration:line-through\"><span>x</span></span> '''Keep'''", "{{s|}}'''Keep'''", "<s/>'''Keep'''",
	} {
		if v := voteOf(text+" I say", false); v.struck || v.raw != "Keep" {
			t.Errorf("voteOf(%s) = %+v, want Keep, not struck", text, v)
		}
	}
}
