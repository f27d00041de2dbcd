package afd

import "testing"

// closing wraps a statement as a closed debate has it.
func closing(statement string) string {
	return "<div class=\"boilerplate afd vfd xfd-closed\">\n" + statement + " [[User:Closer|C]] 12:00, 9 May 2010 (UTC)\n===[[a]]===\nwhy [[User:N]] 12:00, 1 May 2010 (UTC)\n*'''Comment''' b [[User:B]] 12:00, 2 May 2010 (UTC)\n</div>"
}

// A result is never the opposite of the closing statement.
func TestNegatedResults(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]string{
		"The result was '''keep'''.":                                                                  "keep",
		"The result was '''not to delete'''.":                                                         "keep",
		"The result was '''not delete'''.":                                                            "keep",
		"The result was not to '''delete'''.":                                                         "keep",
		"The result was not to\n'''delete'''.":                                                        "keep",
		"The result was '''not''' to '''delete'''.":                                                   "keep",
		"The result was '''not''' '''deleted'''.":                                                     "keep",
		"The result was not to delete.":                                                               "keep",
		"The result was not to delete, but to merge.":                                                 "merge",
		"The result was not to delete but to '''redirect'''.":                                         "redirect",
		"The result was that it should not be deleted.":                                               "keep",
		"The result was that this shouldn’t be '''deleted'''.":                                        "keep",
		"The result was '''cannot be kept'''.":                                                        "delete",
		"The result was not '''keep'''.":                                                              "delete",
		"The result was '''not a keep'''.":                                                            "",
		"The result was '''not to merge'''.":                                                          "",
		"The result was not to '''merge'''.":                                                          "",
		"The result was '''no consensus'''.":                                                          NoConsensus,
		"The result was '''no consensus to delete'''.":                                                NoConsensus,
		"The result was no consensus to '''delete'''.":                                                NoConsensus,
		"The result was that there is no consensus to '''delete''' this.":                             NoConsensus,
		"The result was '''no clear consensus''', default to keep.":                                   NoConsensus,
		"The result was '''no real consensus to merge'''.":                                            NoConsensus,
		"The result was no consensus to delete.":                                                      NoConsensus,
		"The result was '''lack of consensus'''.":                                                     NoConsensus,
		"The result was '''consensus not reached'''.":                                                 NoConsensus,
		"The result was '''consensus is to keep'''.":                                                  "keep",
		"The result was '''keep'''. There is no consensus to delete.":                                 "keep",
		"The result was '''keep, no consensus to delete'''.":                                          "keep",
		"The result was '''delete'''. This is not a keep.":                                            "delete",
		"The result was '''delete''', as not notable.":                                                "delete",
		"The result was '''delete'''; no prejudice against recreation.":                               "delete",
		"The result was '''speedy deletion declined'''.":                                              "keep",
		"The result was '''nomination for deletion withdrawn'''.":                                     "withdraw",
		"The result was '''keep''', rather than delete or merge.":                                     "keep",
		"The result was '''merge rather than delete'''.":                                              "merge",
		"'''The result was not to delete this page'''.":                                               "keep",
		"'''The result was keep'''.":                                                                  "keep",
		"The result of the deletion debate was '''keep'''.":                                           "keep",
		"The result of the debate was '''should not be deleted'''.":                                   "keep",
		"The result was '''delete'''. Nobody said why it should be kept.":                             "delete",
		"The result was: '''not deleted'''":                                                           "keep",
		"The result was '''neither keep nor delete'''.":                                               "",
		"The result was <s>'''keep'''</s> '''delete'''.":                                              "delete",
		"The result was <span style=\"text-decoration:line-through\">'''keep'''</span> '''delete'''.": "delete",
		"The result was <s>keep</s> delete.":                                                          "delete",
		"The result was {{strike|'''keep'''}} '''no consensus'''.":                                    NoConsensus,
		"<s>The result was '''keep'''.</s> The result was '''delete'''.":                              "delete",
		"The result was '''<s>keep</s> merge'''.":                                                     "merge",
	} {
		got := ""
		d := Parse(Page{Text: closing(statement)})
		if d.Outcome == nil {
			t.Errorf("Parse(%s) has no outcome", statement)
			continue
		}
		if d.Outcome.Label != nil {
			got = *d.Outcome.Label
		}
		if got != want {
			t.Errorf("Parse(%s).Outcome.Label = %q, want %q", statement, got, want)
		}
	}
}

// A closing statement that is struck out ends nothing; another one does.
func TestStruckCloses(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{
		"<s>The result was '''keep'''.</s>", "<s>The result was keep.</s>", "The result was <s>'''keep'''</s>.", "<del>The result was '''keep'''. Bye.</del>", "{{s|The result was '''keep'''.}}",
		"<span style=\"text-decoration: line-through;\">The result was '''keep'''.</span>", "<s>The result was '''keep'''.", "The result was {{strike|'''keep'''}}.", "The result was <strike>keep</strike>.",
	} {
		d := Parse(Page{Text: closing(statement)})
		if d.Outcome != nil {
			t.Errorf("Parse(%s).Outcome = %+v, want none", statement, d.Outcome)
		}
		if len(d.Records) == 0 || d.Records[0].Kind != Close || !d.Records[0].Struck || d.Records[0].Outcome != nil {
			t.Errorf("Parse(%s).Records = %+v, want a struck close first", statement, d.Records)
		}
		d = Parse(Page{Text: closing(statement + " [[User:Old]] 12:00, 12 May 2010 (UTC)\nThe result was '''merge'''.")})
		if d.Outcome == nil || d.Outcome.Label == nil || *d.Outcome.Label != "merge" {
			t.Errorf("Parse(%s ..).Outcome = %+v, want merge of the close that is not struck", statement, d.Outcome)
		}
	}
}
