package afd

import (
	"strings"
	"testing"
	"time"
)

func TestStampAround(t *testing.T) {
	for text, want := range map[string]string{
		"12:34, 5 March 2020 (UTC)":            "2020-03-05T12:34:00Z",
		"9:05, 5 Mar 2004":                     "2004-03-05T09:05:00Z",
		"12:34, March 5, 2006 (UTC)":           "2006-03-05T12:34:00Z",
		"12:34, Mar 5, 2004 (UTC)":             "2004-03-05T12:34:00Z",
		"12:34, Sept. 5, 2004 (UTC)":           "2004-09-05T12:34:00Z",
		"12:34, 2004 Mar 5 (UTC)":              "2004-03-05T12:34:00Z",
		"12:34:56, 2005-03-05 (UTC)":           "2005-03-05T12:34:56Z",
		"2005-03-05 12:34:56":                  "2005-03-05T12:34:56Z",
		"2005-03-05T12:34:56Z":                 "2005-03-05T12:34:56Z",
		"5 March 2004 12:34 (UTC)":             "2004-03-05T12:34:00Z",
		"Mar 5, 2004 12:34":                    "2004-03-05T12:34:00Z",
		"12:34, 2nd March 2014 (UTC)":          "2014-03-02T12:34:00Z",
		"12:34, March 21st, 2014 (UTC)":        "2014-03-21T12:34:00Z",
		"3rd March 2014 12:34 (UTC)":           "2014-03-03T12:34:00Z",
		"12:34, 2014 March 30TH (UTC)":         "2014-03-30T12:34:00Z",
		"12:34,&nbsp;5\u00a0March 2020 (UTC)":  "2020-03-05T12:34:00Z",
		"00:30, 1 January 2005 (CET)":          "2004-12-31T23:30:00Z",
		"23:30, 31 December 2004 (EST)":        "2005-01-01T04:30:00Z",
		"12:34, 5 March 2005 UTC+10":           "2005-03-05T02:34:00Z",
		"12:34, 5 March 2005 UTC−5:30":         "2005-03-05T18:04:00Z",
		"12:34 UTC, 5 March 2005":              "2005-03-05T12:34:00Z",
		"12:34 (UTC), 5 March 2005":            "2005-03-05T12:34:00Z",
		"12:34 PM EST, March 5, 2005":          "2005-03-05T17:34:00Z",
		"12:34 (CET), 5 March 2005":            "2005-03-05T11:34:00Z",
		"12:34, 5 March 2005 (UTC+2)":          "2005-03-05T10:34:00Z",
		"12:34, 5 March 2005 (UTC+10)":         "2005-03-05T02:34:00Z",
		"12:34, 5 March 2005 (UTC+5:30)":       "2005-03-05T07:04:00Z",
		"12:34, 5 March 2005 (UTC+05:45)":      "2005-03-05T06:49:00Z",
		"12:34, 5 March 2005 (UTC −3:30)":      "2005-03-05T16:04:00Z",
		"12:34, 5 March 2005 (GMT-11)":         "2005-03-05T23:34:00Z",
		"12:34, 5 March 2005 (+0100)":          "2005-03-05T11:34:00Z",
		"12:34, 5 March 2005 (+05:30)":         "2005-03-05T07:04:00Z",
		"12:34, 5 March 2005 (utc)":            "2005-03-05T12:34:00Z",
		"12:34, 5 March 2005 (CEST)":           "2005-03-05T10:34:00Z",
		"12:34, 5 March 2005 (PDT)":            "2005-03-05T19:34:00Z",
		"12:34, 5 March 2005 (ACST)":           "2005-03-05T03:04:00Z",
		"1:34 pm, 5 March 2005 (UTC)":          "2005-03-05T13:34:00Z",
		"01:34 PM, March 5, 2005 (UTC)":        "2005-03-05T13:34:00Z",
		"11:34 a.m., 5 March 2005 (UTC)":       "2005-03-05T11:34:00Z",
		"12:34&nbsp;am, 5 March 2005 (UTC)":    "2005-03-05T00:34:00Z",
		"12:34pm, 5 March 2005":                "2005-03-05T12:34:00Z",
		"5 March 2005 1:34 p.m. (UTC)":         "2005-03-05T13:34:00Z",
		"12.34, 5 March 2020 (UTC)":            "2020-03-05T12:34:00Z",
		"12.34.56, 5 March 2020 (UTC)":         "2020-03-05T12:34:56Z",
		"9.05, 5 Mar 2004":                     "2004-03-05T09:05:00Z",
		"1.34 pm, 5 March 2005 (UTC+1)":        "2005-03-05T12:34:00Z",
		"5 March 2004 12.34 (UTC)":             "2004-03-05T12:34:00Z",
		"12:34, 29 February 2004 (UTC)":        "2004-02-29T12:34:00Z",
		"12:34, 29 February 2005 (UTC)":        "",
		"12:34, 31 June 2005 (UTC)":            "",
		"13:34 pm, 5 March 2005 (UTC)":         "",
		"0:34 am, 5 March 2005 (UTC)":          "",
		"12:34, 5 March 2005 (UTC+25)":         "",
		"12:34, 5 March 2005 (UTC+5:20)":       "",
		"12:34, 5 March 2005 (CET+1)":          "",
		"12:34, 5 March 2005 (IST)":            "",
		"12:34, 5 March 2005 (CST)":            "",
		"12:34, 5 March 2005 (AMST)":           "",
		"12:34, 5 March 2005 (Europe/Berlin)":  "",
		"12:34, 5 mars 2005 (UTC)":             "",
		"12:34, 5. März 2005 (CET)":            "",
		"24:00, 5 March 2005 (UTC)":            "",
		"12:60, 5 March 2005 (UTC)":            "",
		"112:34, 5 March 2005 (UTC)":           "",
		"12:345, 5 March 2005 (UTC)":           "",
		"12:34, 5 March 1999 (UTC)":            "",
		"12:34, 5 Marsh 2005 (UTC)":            "",
		"12:34":                                "",
		"12:34, 5 March":                       "",
		"a 2:1 majority":                       "",
		"12:34, 05/03/2005 (UTC), or was it 4": "",
	} {
		got := ""
		i := strings.IndexByte(text, ':')
		if i < 0 {
			i = strings.IndexByte(text, '.')
		}
		if s, ok := stampAround(text, 0, i, len(text)); ok && s.known {
			got = s.at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("stampAround(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestUserTarget(t *testing.T) {
	for target, want := range map[string]string{
		"User:A b|c]]":                        "A b",
		"user_talk:A_b#top|c]]":               "A b",
		" USER : a ]]":                        "A",
		"Special:Contributions/192.0.2.1|x]]": "192.0.2.1",
		"special:contribs/2001:db8::1|x]]":    "2001:DB8::1",
		":w:en:User talk:Élan/Archive 1]]":    "Élan",
		"User:L&#39;&Eacute;t&amp;&eacute;]]": "L'Ét&é",
		"User:A%20b]]":                        "A b",
		"User:100% Cotton]]":                  "100% Cotton",
		"User:\u200eA]]":                      "A",
		"User:łukasz]]":                       "Łukasz",
		"User:éric]]":                         "Éric",
		"User:ярослав]]":                      "Ярослав",
		"User:ωmega]]":                        "Ωmega",
		"User:ბირკიანი]]":                     "ბირკიანი",
		"User:ßmith]]":                        "ßmith",
		"User:ŉdlovu]]":                       "ŉdlovu",
		"User:ΐa]]":                           "ΐa",
		"User:ﬁona]]":                         "ﬁona",
		"User:ǆivo]]":                         "ǆivo",
		"User:ⅷ]]":                            "ⅷ",
		"User:ꭰ]]":                            "ꭰ",
		"User:aPPLE]]":                        "APPLE",
		"User:]]":                             "",
		"User:#top]]":                         "",
		"Username policy]]":                   "",
		"Wikipedia:User:A]]":                  "",
		"Special:Log/A]]":                     "",
		"Special:Contributions]]":             "",
		"usercat:x]]":                         "",
		"":                                    "",
		"a:b:c:User:A]]":                      "",
		"User:" + strings.Repeat("é", longestTarget): "",
	} {
		if got, _, _ := userTarget(target); got != want {
			t.Errorf("userTarget(%q) = %q, want %q", target, got, want)
		}
	}
}

func TestAuthorKind(t *testing.T) {
	for name, want := range map[string]string{
		"Ada": AuthorUser, "192.0.2.1": AuthorIP, "192.0.2.1.5": AuthorUser, "192.0.2.xxx": AuthorIP, "a.xxx": AuthorUser, "2001:DB8:0:0:0:0:0:1": AuthorIP, "FE80::1": AuthorIP,
		"~2025-12345-6": AuthorTemp, "~2025-12345": AuthorTemp, "~2Pac": AuthorUser, "~": AuthorUser, "007": AuthorUser, "12:30": AuthorUser,
	} {
		if got := authorKind(name); got != want {
			t.Errorf("authorKind(%q) = %q, want %q", name, got, want)
		}
	}
}

// What a signature removes from the text before it, and what it leaves.
func TestSigner(t *testing.T) {
	const ts = "12:00, 1 May 2010 (UTC)"
	for line, want := range map[string]string{
		"a [[User:B]] " + ts:                                         "a|B|full",
		"a -- [[User:B]] " + ts:                                      "a|B|full",
		"a&nbsp;~ [[User:B]] " + ts:                                  "a|B|full",
		"a–([[User:B]]) " + ts:                                       "a|B|full",
		"'''a''' '''[[User:B|b]]''' " + ts:                           "'''a'''|B|full",
		"'''a'''[[User:B|b]] " + ts:                                  "'''a'''|B|full",
		"''a'' ''[[User:B|b]]'' " + ts:                               "''a''|B|full",
		"a '''''[[User:B|b]]''''' " + ts:                             "a|B|full",
		"a</b> <span style=\"x\"><b>[[User:B|b]]</b></span> ts" + ts: "a</b>|B|full",
		"a [[User:C]] b. [[User:B]] ([[User talk:B|t]]) " + ts:       "a [[User:C]] b.|B|full",
		"a [[User:B]] was here. [[User:B]] " + ts:                    "a [[User:B]] was here.|B|full",
		"a {{User:B/sig}} " + ts:                                     "a|B|full",
		"a {{unsigned|B|" + ts + "}}":                                "a|B|template",
		"a {{Unsigned2|" + ts + "|B}}":                               "a|B|template",
		"a {{unsigned|2=" + ts + "|1=B}}":                            "a|B|template",
		"a {{subst:unsigned IP|192.0.2.1|" + ts + "}}":               "a|192.0.2.1|template",
		"a {{unsigned|[[User:B]]}}":                                  "a|B|template",
		"a <small>—The preceding unsigned comment was added by [[User:B|B]] ([[User talk:B|t]]) " + ts + "</small>": "a|B|autosigned",
		"aunsigned, added by [[User:B|B]] " + ts:                                "a|B|autosigned",
		"é\u00ednsigned, added by [[User:B|B]] " + ts:                           "é\u00ednsigned, added by|B|full",
		"a — Preceding [[WP:SIG|unsigned]] comment added by [[User:B|B]] " + ts: "a|B|autosigned",
		"a [[User:B|B]] ([[User talk:B|t]])":                                    "a|B|none",
		"a " + ts:                                                               "a||none",
		"a [[User:B]]":                                                          "",
		"[[User:B]] came at 12:00, 1 May 2010 and left":                         "",
		"a [[User:B]] 12:00, 1 May 2010":                                        "a|B|full",
		"a [[User:B]] 12:00, 1 May 2010 (UTC) b":                                "a|B|full",
	} {
		s := signer{mask: mask(line)}
		s.scan(0, len(line))
		got := ""
		for _, g := range s.found {
			got += line[:g.from] + "|" + g.author + "|" + g.signed
		}
		if got != want {
			t.Errorf("scan(%q) = %q, want %q", line, got, want)
		}
	}
}
