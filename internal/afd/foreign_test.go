package afd

import "testing"

// If the time cannot be read, the author is kept, and no time is made up.
func TestForeignStamps(t *testing.T) {
	for _, when := range []string{
		"12:34, 5 March 2005 (UTC+25)", "12:34, 5 March 2005 (UTC+5:20)", "12:34, 5 March 2005 (IST)", "12:34, 5 March 2005 (AMST)", "12:34, 5 March 2005 (Europe/Berlin)", "12:34, 5 March 2005 (Central European Summer Time)", "12:34, 5 March 2005 (my local time)",
		"13:34 pm, 5 March 2005 (UTC)", "13:34 pm, 5 March 2005", "24:00, 5 March 2005 (UTC)", "12:60, 5 March 2005 (UTC)", "12:34, 29 February 2005 (UTC)", "12:34, 31 June 2005",
		"12:34, 5 mars 2005 (UTC)", "12:34, 5 mars 2005", "12:34, 5. Mär. 2005 (CET)", "12:34, 5 de marzo de 2005 (UTC)", "12:34, 5 марта 2005 (UTC)", "12:34, 5 марта 2005",
		"12:34, 5 Marsh 2005 (UTC)", "12:34, 05/03/2005 (UTC)", "12:34, 05.03.2005 (UTC)", "5 mars 2005 à 12:34 (CET)", "2005年3月5日 (六) 12:34 (UTC)", "2005년 3월 5일 (토) 12:34 (KST)", "12:34, 5 مارس 2005 (UTC)",
		"12:34, Märtz 5, 2005 (UTC)", "12:34, 5 maaliskuuta 2005 (EET)",
		"12.34, 5 mars 2005 (UTC)", "12.34, 05.03.2005 (UTC)", "24.00, 5 March 2005 (UTC)", "12.34, 5. März 2005",
		"12:34, 5 March 05 (UTC)", "12:34, March 5, 05 (UTC)", "12:34, 5 March '05 (UTC)", "12:34, 5 Mar 05", "12.34, 5 March 05 (UTC)", "12:34, 05/03/05 (UTC)", "12:34, 05.03.05 (UTC)", "5 March 05 12:34 (UTC)", "05/03/05 12:34 (UTC)",
		"12:34, ५ मार्च २०१४ (UTC)", "१२:३४, ५ मार्च २०१४ (UTC)", "१२:३४, ५ मार्च २०१४", "١٢:٣٤، ٥ مارس ٢٠٠٥ (UTC)", "12:34، ٥ مارس ٢٠٠٥ (UTC)", "۱۲:۳۴، ۵ مارس ۲۰۰۵ (UTC)", "১২:৩৪, ৫ মার্চ ২০০৫ (UTC)", "१२.३४, ५ मार्च २०१४ (UTC)",
		"५ मार्च २०१४ १२:३४ (UTC)", "12:34, 5 มีนาคม ๒๐๐๕ (UTC)",
	} {
		d := Parse(Page{PageID: 1, Text: "=== a ===\nwhy [[User:N]] 12:00, 1 May 2005 (UTC)\n*'''Keep''' yes. [[User:B|b]] ([[User talk:B|t]]) " + when + "\n*'''Delete''' [[User:C]] 12:00, 6 May 2005 (UTC)"})
		if len(d.Records) != 3 {
			t.Errorf("Parse(.. %s) = %d records, want 3", when, len(d.Records))
			continue
		}
		r := d.Records[1]
		if r.Author == nil || *r.Author != "B" || r.Timestamp != nil || r.TextPlain != "Keep yes." || r.Signed != SignedNone {
			t.Errorf("Parse(.. %s).Records[1] = author %v, time %v, text %q, signed %s, want B's without a time", when, r.Author, r.Timestamp, r.TextPlain, r.Signed)
		}
	}
}

// A time in a sentence is not a signature, whatever its form.
func TestTimesInSentences(t *testing.T) {
	for _, words := range []string{
		"[[User:C]] came at 12:34 pm, 5 March 2005 and left", "[[User:C]] edited at 12:34, 5 mars 2005 or so", "a ratio of 12:34 in 2005 (see)", "[[User:C]] has 12:34 in 2005", "[[User:C]] 12:34 (the score) of 2005",
		"[[User:C]] has 12.34 in 2005", "[[User:C]] wants version 2.10 of 5 March 2005 (UTC is no matter)", "[[User:C]] has 12.34 or १२.३४ of २०१४ in", "[[User:C]] 2.10, 1.2.3", "[[User:C]] at 192.0.2.12 in 2005", "[[User:C]] 12.34, 5 March 05 or so",
	} {
		d := Parse(Page{Text: "=== a ===\n" + words + " [[User:B]] 12:00, 1 May 2005 (UTC)"})
		if len(d.Records) != 1 || d.Records[0].Author == nil || *d.Records[0].Author != "B" || d.Records[0].Text != words {
			t.Errorf("Parse(%s ..) = %+v, want one record of B", words, d.Records)
		}
	}
}
