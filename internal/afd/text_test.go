package afd

import (
	"strings"
	"testing"
)

func TestVoteOf(t *testing.T) {
	for _, c := range []struct{ text, raw, labels, struck string }{
		{"'''Keep''' a", "Keep", "keep", ""},
		{"'''Keep:''' a", "Keep", "keep", ""},
		{"'''Keep.''' a", "Keep", "keep", ""},
		{"'''KEEP''' a", "KEEP", "keep", ""},
		{"<strong>Keep</strong> a", "Keep", "keep", ""},
		{"[[WP:K|'''Keep''']] a", "Keep", "keep", ""},
		{"'''[[Wikipedia:Guide to deletion|Keep]]''' a", "Keep", "keep", ""},
		{"[[File:Yes.svg|20px]] '''Keep''' a", "Keep", "keep", ""},
		{"a '''Keep'''", "", "", ""},
		{"''Keep'' a", "", "", ""},
		{"'''Neutral'''", "Neutral", "neutral", ""},
		{"'''Question''' delete?", "Question", "", ""},
		{"'''Delete and salt'''", "Delete and salt", "delete", ""},
		{"'''Delete or merge'''", "Delete or merge", "merge delete", ""},
		{"'''Oppose deletion'''", "Oppose deletion", "keep", ""},
		{"'''Keep, don't merge'''", "Keep, don't merge", "keep", ""},
		{"'''Draftify'''", "Draftify", "draftify", ""},
		{"'''Move to draft'''", "Move to draft", "draftify rename", ""},
		{"'''Changed to delete per Keep'''", "Changed to delete per Keep", "delete", ""},
		{"'''Redirect to Delete (band) or keep'''", "Redirect to Delete (band) or keep", "redirect keep", ""},
		{"'''Very weak delete'''", "Very weak delete", "delete", ""},
		{"'''Who?'''", "Who?", "", ""},
		{"<s>'''Keep'''</s>", "Keep", "keep", "struck"},
		{"<s>'''Keep'''</s> '''Comment''' a", "Comment", "", ""},
		{"<s>'''Keep'''</s> a '''b''' c '''Delete'''", "Delete", "delete", ""},
		{"<s>I say</s> '''Keep''' a", "Keep", "keep", ""},
		{"<s>I say.</s> a '''Keep'''", "", "", ""},
		{"'''Keep''' <s>'''Delete'''</s>", "Keep", "keep", ""},
		{"{{s|'''Keep'''}} '''Delete'''", "Delete", "delete", ""},
		{"'''Keep", "Keep", "keep", ""},
		{"'''\n'''Keep'''", "Keep", "keep", ""},
		{"", "", "", ""},
	} {
		v := voteOf(c.text, false)
		struck := map[bool]string{true: "struck"}[v.struck]
		if labels := strings.Join(v.labels, " "); v.raw != c.raw || labels != c.labels || struck != c.struck {
			t.Errorf("voteOf(%q) = %q, %q, %q, want %q, %q, %q", c.text, v.raw, labels, struck, c.raw, c.labels, c.struck)
		}
	}
}

func TestRender(t *testing.T) {
	for text, want := range map[string]string{
		"a '''b''' ''c'' '''''d'''''": "a b c d",
		"''''a''''":                   "'a'",
		"[[a]] [[:b|c]] [[d|]] [[File:e.png|thumb|[[f]]]]": "a c d",
		"[http://a.org b c] [http://a.org] http://a.org":   "b c http://a.org http://a.org",
		"[1] {2} <3 a & b": "[1] {2} <3 a & b",
		"a<br>b<!-- c -->d<ref>e</ref><ref name=f/>g":    "a\nbdg",
		"<nowiki>'''a'''</nowiki> &eacute;&nbsp;&lt;":    "'''a''' é <",
		"{{tq|a [[b|c]]}} {{ping|d}} {{foo|e|{{tq|f}}}}": "a c @d",
		"{{tq|1=a}} {{ping|b|c}} {{foo}}":                "a @b, @c",
		"a\n** b\n\n:c":                                  "a\nb\nc",
		"{{ [[a ]] }} [[b":                               "[[b",
		"a__NOTOC__b __init__ _":                         "ab __init__ _",
		"<span style=\"x\">a</span>":                     "a",
		"<a":                                             "<a",
	} {
		if got, _ := render(text); got != want {
			t.Errorf("render(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPolicies(t *testing.T) {
	const text = "[[WP:GNG]] [[wikipedia:Notability_(music)#A|b]] [[wp:GNG|c]] [[Project: N ]] [[WP:Articles for deletion/X]] [[Wikipedia:WikiProject Y]] [[Z]] [[WT:GNG]]"
	want := "WP:GNG WP:Notability (music) WP:N"
	if _, got := render(text); strings.Join(got, " ") != want {
		t.Errorf("render(%q) links to %q, want %q", text, got, want)
	}
}

// The ids of records are in people's tables: they must never change.
func TestCommentID(t *testing.T) {
	d := Parse(Page{PageID: 42, Text: "=== a ===\nb [[User:Ada]] 12:00, 1 May 2010 (UTC)\n*c [[User:Ada]] 12:00, 1 May 2010 (UTC)\n*d"})
	want := []string{"b5ab7d3c01a39dc4a514888174133bf4", "9eb6e23bf139b470bee8897204d5f07e", "86243b64dd158576e7db4c0df71c5a56"}
	for i, r := range d.Records {
		if r.CommentID != want[i] {
			t.Errorf("Parse(..).Records[%d].CommentID = %q, want %q", i, r.CommentID, want[i])
		}
	}
	if len(d.Records) != len(want) {
		t.Errorf("Parse(..) = %d records, want %d", len(d.Records), len(want))
	}
}

// A refresh recognises a comment although others were added and its own words changed.
func TestCommentIDStays(t *testing.T) {
	const head = "=== a ===\nb [[User:Ada]] 12:00, 1 May 2010 (UTC)\n"
	before := Parse(Page{PageID: 42, Text: head + "*'''Keep''' [[User:Bea]] 12:01, 1 May 2010 (UTC)"})
	after := Parse(Page{PageID: 42, RevID: 9, Text: head + "*'''Delete''' [[User:Cy]] 12:02, 1 May 2010 (UTC)\n**<s>'''Keep'''</s> [[User talk:Bea|b]] 12:01, 1 May 2010 (UTC)"})
	if got, want := after.Records[2].CommentID, before.Records[1].CommentID; got != want {
		t.Errorf("Parse(after).Records[2].CommentID = %q, want %q as before", got, want)
	}
}

func TestRecordJSON(t *testing.T) {
	rows := Parse(Page{Title: "T<>", PageID: 1, RevID: 2, Text: "a <b>\x00\xff"}).Rows()
	id := Parse(Page{PageID: 1, Text: "a"}).Records[0].CommentID
	want := `{"page_title":"T<>","page_id":1,"rev_id":2,"seq":0,"comment_id":"` + id + `","parent_id":null,"depth":0,"kind":"nomination","author":null,` +
		`"author_kind":null,"timestamp":null,"label":null,"raw_label":null,"struck":false,"signed":"none","text":"a <b>` + "\ufffd\ufffd" + `","text_plain":"a ` + "\ufffd\ufffd" + `","policy_links":[]}`
	if len(rows) != 1 || string(rows[0].Data) != want {
		t.Errorf("Rows() = %s, want %s", rows[0].Data, want)
	}
}
