package afd

import (
	"strings"
	"testing"
)

// A signature that is quoted in mid-comment does not end the comment: its own last signature does.
func TestQuotedSignatures(t *testing.T) {
	t.Parallel()
	const own = "[[User:R|R]] ([[User talk:R|talk]]) 12:00, 2 March 2014 (UTC)"
	for _, words := range []string{
		"'''Keep''' as [[User:Q|Q]] wrote at 10:00, 1 March 2014 (UTC), see there.",
		"'''Keep''' as [[User:Q|Q]] wrote at 10:00, 1 March 2014 (UTC). I agree with that.",
		"'''Keep''' as [[User:Q|Q]] ([[User talk:Q|talk]]) said at 10:00, 1 March 2014 (UTC), it is fine.",
		"'''Keep''' as [[User:Q|Q]] wrote at 10:00, 5 March 2014 (UTC), see there.",
		"'''Keep''' per [[User:Q|Q]] 10:00, 1 March 2014 (UTC), who put it well.",
		"'''Keep''' see [[User:Q|Q]] 10:00, 1 March 2014 (UTC) for the sources.",
		"'''Keep''' \"It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)\" says it all.",
		"'''Keep''' {{tq|It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)}} I agree.",
		"'''Keep''' {{talk quote|It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)}} I agree.",
		"'''Keep''' <blockquote>It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)</blockquote> I agree.",
		"'''Keep''' <q>It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)</q> I agree.",
		"'''Keep''' [[User:Q|Q]]'s comment of 10:00, 1 March 2014 (UTC) convinced me.",
		"'''Keep''' [[User:Q|Q]] voted at 10:00, 1 March 2014 (UTC) and [[User:P|P]] replied at 11:00, 1 March 2014 (UTC), so there.",
		"'''Keep''' as [[User:Q|Q]] wrote on 1 March 2014 10:00 (UTC), see there.",
		"'''Keep''' as [[User:Q|Q]] noted 10:00, 1 March 2014 (UTC+2), see there.",
		"'''Keep''' as I, [[User:R|R]], wrote at 10:00, 1 March 2014 (UTC), it is fine.",
		"'''Keep''' as [[User:Q|Q]] wrote at 10:00, 1 March 2014 (UTC),\nsee there.",
		"'''Keep''' ''It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)'' – I agree with this.",
		"'''Keep''' <i>It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)</i> I agree.",
		"'''Keep''' <code>It is fine. [[User:Q|Q]] 10:00, 1 March 2014 (UTC)</code> I agree.",
		"'''Keep''' cf. [[User:Q|Q]]'s post, 10:00, 1 March 2014 (UTC).",
		"'''Keep''' per [[User:Q|Q]] 10:00, 1 March 2014 (UTC), who put it\nwell, I think.",
		"'''Keep''' ([[User:Q|Q]], 10:00, 1 March 2014 (UTC)).",
		"'''Keep''' <del>[[User:Q|Q]] 10:00, 1 March 2014 (UTC)</del>",
		"'''Keep''' agree: [[User:Q|Q]] ([[User talk:Q|talk]]) 10:00, 1 March 2014 (UTC).",
		"'''Keep''' fine.\nAs [[User:Q|Q]] wrote at 10:00, 1 March 2014 (UTC), see there.",
	} {
		d := Parse(Page{PageID: 1, Text: "=== a ===\nwhy [[User:N]] 12:00, 1 February 2014 (UTC)\n*" + words + " " + own + "\n*'''Delete''' [[User:C]] 12:00, 6 March 2014 (UTC)"})
		if len(d.Records) != 3 {
			t.Errorf("Parse(.. %s) = %d records, want 3", words, len(d.Records))
			continue
		}
		r := d.Records[1]
		if r.Author == nil || *r.Author != "R" || r.Timestamp == nil || r.Timestamp.Format("2 15:04") != "2 12:00" || r.Text != words || r.Label == nil || *r.Label != "keep" {
			t.Errorf("Parse(.. %s).Records[1] = %v %v %q, want R's at 12:00 with all the words", words, r.Author, r.Timestamp, r.Text)
		}
	}
}

// Replies that others put on the same line remain theirs, and what follows a signature stays with
// it.
func TestSignaturesOnOneLine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"'''Keep''' yes. [[User:A]] 10:00, 1 March 2014 (UTC) No, it is not. [[User:B]] 11:00, 1 March 2014 (UTC)":   "A B",
		"'''Keep''' yes. [[User:A]] 10:00, 1 March 2014 (UTC) '''Delete''' no. [[User:B]] 11:00, 1 March 2014 (UTC)": "A B",
		"'''Keep''' yes. [[User:A]] 10:00, 3 March 2014 (UTC), late as ever. [[User:B]] 11:00, 1 March 2014 (UTC)":   "A B",
		"'''Keep''' yes. [[User:A]] 10:00, 1 March 2014 (UTC) (edited 11:00, 2 March 2014 (UTC))":                    "A",
		"'''Keep''' yes. [[User:A]] 10:00, 1 March 2014 (UTC) (edited)":                                              "A",
		"'''Keep''' yes. [[User:A]] 10:00, 1 March 2014 (UTC), amended since":                                        "A",
		"'''Keep''' yes. [[User:A]] at 10:00, 1 March 2014 (UTC)":                                                    "A",
		"''Keep it, all of you. [[User:A]] 10:00, 1 March 2014 (UTC)'' No. [[User:B]] 11:00, 1 March 2014 (UTC)":     "A B",
		"'''Keep''' as per [[User:B]]. [[User:A]] 10:00, 1 March 2014 (UTC)":                                         "A",
		"'''Keep''' as [[User:B]] wrote. [[User:A]] 10:00, 1 March 2014 (UTC)":                                       "A",
		"'''Keep''' yes. [[User:A|A]]\n12:00, 1 March 2014 (UTC)":                                                    "A",
		"'''Keep''' yes. [[User:A|A]] ([[User talk:A|talk]])\n:12:00, 1 March 2014 (UTC)":                            "A",
	} {
		d := Parse(Page{PageID: 1, Text: "=== a ===\nwhy [[User:N]] 12:00, 1 February 2014 (UTC)\n*" + line + "\n*'''Delete''' [[User:Z]] 12:00, 6 March 2014 (UTC)"})
		var got []string
		for _, r := range d.Records {
			if r.Author == nil {
				got = append(got, "-")
				continue
			}
			got = append(got, *r.Author)
		}
		if strings.Join(got, " ") != "N "+want+" Z" {
			t.Errorf("Parse(.. %s) has authors %q, want N %s Z", line, got, want)
		}
	}
}
