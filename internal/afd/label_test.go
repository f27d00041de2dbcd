package afd

import (
	"strings"
	"testing"
)

// A negation may be anywhere in the clause: the vote never gets the label that it denies. If
// another label is certain, it gets that.
var negatedVotes = []struct{ words, never, want string }{
	// words in bold, what they never mean, what they mean ("" for nothing)
	{"should not be deleted", "delete", "keep"},
	{"This should not be deleted", "delete", "keep"},
	{"shouldn't be deleted", "delete", "keep"},
	{"shouldn’t be deleted", "delete", "keep"},
	{"shouldnt be deleted", "delete", "keep"},
	{"Should not have been deleted", "delete", "keep"},
	{"must not be deleted", "delete", "keep"},
	{"mustn't be deleted", "delete", "keep"},
	{"ought not to be deleted", "delete", "keep"},
	{"need not be deleted", "delete", "keep"},
	{"needn't be deleted", "delete", "keep"},
	{"Do not delete", "delete", "keep"},
	{"Do NOT delete!", "delete", "keep"},
	{"DON'T DELETE", "delete", "keep"},
	{"Don’t delete", "delete", "keep"},
	{"Donʼt delete", "delete", "keep"},
	{"Don`t delete", "delete", "keep"},
	{"Don&#39;t delete", "delete", "keep"},
	{"Dont delete", "delete", "keep"},
	{"Please do not delete this", "delete", "keep"},
	{"Please don't you dare delete this", "delete", ""},
	{"Never delete", "delete", "keep"},
	{"Not delete", "delete", "keep"},
	{"Not a delete", "delete", "keep"},
	{"Not to be deleted", "delete", "keep"},
	{"Not for deletion", "delete", "keep"},
	{"No delete", "delete", "keep"},
	{"No deletion", "delete", "keep"},
	{"No reason to delete", "delete", "keep"},
	{"No reason for deletion", "delete", "keep"},
	{"No valid reason for deletion", "delete", "keep"},
	{"There is no reason to delete", "delete", "keep"},
	{"I see no reason to delete this", "delete", "keep"},
	{"I can't see a reason to delete", "delete", "keep"},
	{"I see no good policy-based reason to delete", "delete", "keep"},
	{"No need to delete", "delete", "keep"},
	{"No grounds for deletion", "delete", "keep"},
	{"No valid deletion rationale", "delete", ""},
	{"Not a valid reason to delete", "delete", "keep"},
	{"Nothing to delete here", "delete", "keep"},
	{"Object to deletion", "delete", "keep"},
	{"I object to the deletion", "delete", "keep"},
	{"Objection to deletion", "delete", "keep"},
	{"Oppose deletion", "delete", "keep"},
	{"Strongly oppose deletion", "delete", "keep"},
	{"Opposed to deletion", "delete", "keep"},
	{"Against deletion", "delete", "keep"},
	{"Disagree with deletion", "delete", "keep"},
	{"I do not support deletion", "delete", "keep"},
	{"I don't think this should be deleted", "delete", "keep"},
	{"I do not believe it should be deleted", "delete", "keep"},
	{"I wouldn't delete", "delete", "keep"},
	{"Cannot be deleted", "delete", "keep"},
	{"Can not be deleted", "delete", "keep"},
	{"Can't delete", "delete", "keep"},
	{"Hardly a delete", "delete", ""},
	{"Hardly deletable, hardly a delete", "delete", ""},
	{"Why delete this?", "delete", ""},
	{"Why delete this", "delete", ""},
	{"Why not delete", "keep", ""},
	{"Why would we delete this?", "delete", ""},
	{"Delete?", "delete", ""},
	{"Delete? Why?", "delete", ""},
	{"Should we delete this?", "delete", ""},
	{"Should this be deleted?", "delete", ""},
	{"Should it be kept?", "keep", ""},
	{"Is this a delete?", "delete", ""},
	{"What is there to merge?", "merge", ""},
	{"How can this be kept?", "keep", ""},
	{"Who would delete this?", "delete", ""},
	{"Deletion is not the answer", "delete", "keep"},
	{"Deletion is not warranted", "delete", "keep"},
	{"Deletion not warranted", "delete", "keep"},
	{"Deletion isn't appropriate", "delete", "keep"},
	{"Deletion would not be appropriate", "delete", "keep"},
	{"Deletion would be a mistake", "delete", "keep"},
	{"Deletion is unwarranted", "delete", "keep"},
	{"Deletion makes no sense", "delete", "keep"},
	{"Deleting this is wrong", "delete", "keep"},
	{"Delete is not an option", "delete", "keep"},
	{"Delete is not the way to go", "delete", "keep"},
	{"Keep is not an option", "keep", ""},
	{"Keeping this is not an option", "keep", ""},
	{"Merging would be wrong", "merge", ""},
	{"Merge is not appropriate", "merge", ""},
	{"Speedy deletion declined", "delete", "keep"},
	{"Overturn deletion", "delete", ""},
	{"Avoid deletion", "delete", "keep"},
	{"It would be wrong to delete this", "delete", ""},
	{"Premature to delete", "delete", ""},
	{"Too soon to delete", "delete", ""},
	{"A mistake to delete", "delete", ""},
	{"Not eligible for speedy deletion", "delete", "keep"},
	{"Ineligible for deletion", "delete", ""},
	{"Fails to convince me to delete", "delete", ""},
	{"Insufficient reason to delete", "delete", ""},
	{"No consensus to delete", "delete", ""},
	{"No objection to deletion", "keep", ""},
	{"Not against deletion", "keep", ""},
	{"Do not oppose deletion", "keep", ""},
	{"Cannot object to deletion", "keep", ""},
	{"Neither keep nor delete", "keep", ""},
	{"Neither keep nor delete", "delete", ""},
	{"Neither delete nor keep", "delete", ""},
	{"Rather than delete, merge", "delete", "merge"},
	{"Instead of deleting, redirect", "delete", "redirect"},
	{"Instead of keep, merge", "keep", "merge"},

	{"Do not keep", "keep", "delete"},
	{"Don't keep", "keep", "delete"},
	{"Cannot be kept", "keep", "delete"},
	{"Can't be kept", "keep", "delete"},
	{"Should not be kept", "keep", "delete"},
	{"Never keep", "keep", "delete"},
	{"Oppose keep", "keep", "delete"},
	{"Oppose keeping", "keep", "delete"},
	{"Not keep", "keep", "delete"},
	{"Not a keep", "keep", ""},
	{"This is not a keep", "keep", ""},
	{"Not a clear keep", "keep", ""},
	{"No keep", "keep", ""},
	{"No reason to keep", "keep", ""},
	{"No prejudice against keep", "keep", ""},
	{"Nothing worth keeping", "keep", ""},
	{"Not worth keeping", "keep", "delete"},
	{"Not notable enough to keep", "keep", ""},
	{"Not notable enough to be kept", "keep", ""},
	{"Not enough sources to keep", "keep", ""},
	{"Not enough to keep", "keep", "delete"},
	{"Object to keeping this", "keep", ""},
	{"I fail to see why keep", "keep", ""},
	{"Unlikely to be kept", "keep", ""},
	{"I doubt this should be kept", "keep", ""},
	{"Hard to see why this is kept", "keep", ""},

	{"Do not merge", "merge", ""},
	{"Must not be merged", "merge", ""},
	{"Oppose merge", "merge", ""},
	{"No merge", "merge", ""},
	{"Nothing to merge", "merge", ""},
	{"No need to merge", "merge", ""},
	{"Don't redirect", "redirect", ""},
	{"Not a redirect", "redirect", ""},
	{"Should not be moved", "rename", ""},
	{"Do not draftify", "draftify", ""},
	{"Don't userfy", "userfy", ""},
	{"Not withdrawn", "withdraw", ""},
	{"Not neutral", "neutral", ""},
	{"Do not delete or merge", "merge", "keep"},
	{"Do not delete, merge or redirect", "merge", "keep"},
	{"Should not be kept, merged or redirected", "merge", "delete"},
	{"Don't merge and don't delete", "merge", "keep"},
	{"Should not be deleted nor merged", "merge", "keep"},
	{"Change from delete to keep", "delete", "keep"},
	{"Changing my vote from keep to delete", "keep", "delete"},
	{"Changed from merge to redirect", "merge", "redirect"},
	{"Unsure whether to keep or delete", "keep", ""},
	{"Torn between keep and delete", "delete", ""},
	{"Withdraw deletion request", "delete", "withdraw"},
	{"Deletion nomination withdrawn", "delete", "withdraw"},
	{"All the keep votes are socks, delete", "keep", "delete"},
	{"If not deleted, merge", "delete", "merge"},
	{"If kept, rename", "keep", "rename"},
	{"Unless kept, delete", "keep", "delete"},
}

// A negation after or before a vote, but about something else, leaves the vote as it is.
var plainVotes = []struct{ words, want string }{
	{"Keep", "keep"}, {"Keep, not delete", "keep"}, {"Delete, not keep", "delete"}, {"Keep not delete", "keep"}, {"Keep - do not delete", "keep"}, {"Keep, do not merge", "keep"},
	{"Delete not notable", "delete"}, {"Delete, not notable", "delete"}, {"Delete as not notable", "delete"}, {"Not notable. Delete", "delete"}, {"Not notable, delete", "delete"}, {"Not notable delete", "delete"},
	{"Not notable - delete", "delete"}, {"Not notable – delete", "delete"}, {"Non-notable, delete", "delete"}, {"Non-notable delete", "delete"}, {"Delete non-notable", "delete"}, {"No sources, delete", "delete"},
	{"No sources delete", "delete"}, {"Not notable so delete", "delete"}, {"Not notable and should be deleted", "delete"}, {"Does not meet GNG, delete", "delete"}, {"Doesn't meet GNG delete", "delete"}, {"Delete doesn't meet GNG", "delete"},
	{"Delete does not meet GNG", "delete"}, {"Delete is not notable", "delete"}, {"Delete isn't notable", "delete"}, {"Delete. Can't be kept", "delete"}, {"Delete, cannot be kept", "delete"}, {"Delete no reason to keep", "delete"},
	{"Keep no reason to delete", "keep"}, {"Keep as there is no reason to delete", "keep"}, {"Keep, no reason to delete", "keep"}, {"Keep. I see no reason for deletion", "keep"}, {"Keep, not a valid deletion rationale", "keep"},
	{"No, keep", "keep"}, {"No. Delete", "delete"}, {"No - keep", "keep"}, {"Absolutely not notable, delete", "delete"}, {"Cannot verify, delete", "delete"}, {"Cannot be verified so delete", "delete"},
	{"Keep unless no sources", "keep"}, {"Delete unless sourced", "delete"}, {"Delete without prejudice", "delete"}, {"Delete without redirect", "delete"}, {"Delete and don't redirect", "delete"}, {"Delete, no redirect", "delete"}, {"Delete no redirect", "delete"},
	{"Merge, don't delete", "merge"}, {"Merge rather than delete", "merge"}, {"Keep rather than merge", "keep"}, {"Merge instead of deleting", "merge"}, {"Redirect instead of delete", "redirect"}, {"Redirect, do not delete", "redirect"}, {"Do not delete, merge", "merge"},
	{"Do not delete but merge", "merge"}, {"Don't delete, redirect instead", "redirect"}, {"Not delete but redirect", "redirect"}, {"Delete, no objection to merge", "delete"}, {"Delete with no prejudice against recreation", "delete"}, {"Keep, no prejudice against merging", "keep"},
	{"Weak keep, not convinced of deletion", "keep"}, {"Rather delete", "delete"}, {"Not only delete but salt", "delete"}, {"Not just delete but salt", "delete"}, {"Keep or merge but do not delete", "merge"}, {"Keep, neither delete nor merge", "keep"},
	{"Delete - not a keep", "delete"}, {"Delete: hardly a keep", "delete"}, {"Delete. Why keep?", "delete"}, {"Keep. Why delete?", "keep"}, {"Why delete? Keep", "keep"}, {"Delete? No, keep", "keep"}, {"Keep (was delete)", "keep"}, {"Delete (changed from keep)", "delete"},
	{"Should be deleted", "delete"}, {"To be deleted", "delete"}, {"This should be kept", "keep"}, {"I would delete", "delete"}, {"Must be deleted", "delete"}, {"Support deletion", "delete"}, {"Nominate for deletion", "delete"}, {"I vote to keep", "keep"},
	{"This is not a hoax and should be kept", "keep"}, {"Not spam, keep", "keep"}, {"It's not a dictionary, so delete", "delete"}, {"Fails GNG delete", "delete"}, {"Fails WP:N, delete", "delete"}, {"Lacks sources, delete", "delete"}, {"Lacks sources delete", "delete"},
	{"Delete – never heard of it", "delete"}, {"Speedy keep, nomination withdrawn", "keep"}, {"Keep & don't merge", "keep"}, {"Delete/redirect", "redirect"}, {"Delete, nothing to merge", "delete"}, {"Delete nothing to merge", "delete"}, {"Too soon, delete", "delete"}, {"Too soon delete", "delete"},
	{"Keep per nom not being a reason", "keep"}, {"Delete against my instinct", "delete"}, {"Keep despite no sources", "keep"}, {"Delete although not spam", "delete"}, {"Keep, don’t delete", "keep"}, {"Delete because it is not notable", "delete"}, {"Speedy delete no context", "delete"},
	{"Delete not encyclopedic", "delete"}, {"Delete No evidence of notability", "delete"}, {"Keep it is not spam", "keep"}, {"Keep it, it is not spam", "keep"}, {"Delete it is not notable", "delete"}, {"Strong delete, not even close", "delete"}, {"Wrong venue, keep", "keep"},
}

func TestNegatedVotes(t *testing.T) {
	for _, c := range negatedVotes {
		got := ""
		if v := voteOf("'''"+c.words+"''' I say.", false); len(v.labels) > 0 {
			got = v.labels[0]
		}
		if got == c.never || got != c.want {
			t.Errorf("voteOf('''%s''') = %q, want %q and never %q", c.words, got, c.want, c.never)
		}
	}
}

func TestPlainVotes(t *testing.T) {
	for _, c := range plainVotes {
		v := voteOf("'''"+c.words+"''' I say.", false)
		if got := strings.Join(v.labels[:min(1, len(v.labels))], ""); got != c.want {
			t.Errorf("voteOf('''%s''') = %q, want %q", c.words, got, c.want)
		}
	}
}

// The rest of the sentence counts too, as far as it is about the vote.
func TestVotesInTheirSentence(t *testing.T) {
	for text, want := range map[string]string{
		"'''Delete''' is not warranted here.":                            "keep",
		"'''Deletion''' would be a mistake.":                             "keep",
		"'''Keep''' is not an option.":                                   "",
		"'''Merge''' is not appropriate.":                                "",
		"'''Delete'''? Never.":                                           "",
		"'''Keep''' The press wrote about \"Summit\" + Meridian = ?":     "keep",
		"'''Delete''' Notability is where, exactly?":                     "delete",
		"'''Delete''' Why this article of all?":                          "",
		"'''Delete''' Is it really so bad?":                              "",
		"'''Keep''' Nothing to delete here?":                             "",
		"'''Delete''' this poor article?":                                "",
		"'''Delete''' This?":                                             "",
		"'''Delete'''?? Why on earth":                                    "",
		"'''Keep''' votes are all socks.":                                "",
		"'''Do not''' '''delete'''":                                      "",
		"'''Do''' not '''delete'''":                                      "",
		"'''Strong''' not '''delete'''":                                  "",
		"'''Strongly''' '''oppose deletion'''":                           "keep",
		"<s>'''Delete'''</s> should not be '''deleted''' any more":       "keep",
		"<s>'''Keep'''</s> not notable. '''Delete'''":                    "delete",
		"<s>'''Keep'''</s> I now say '''delete''' as it is not notable.": "delete",
		"'''Delete''' is my vote.":                                       "delete",
		"'''Delete''' is not notable.":                                   "delete",
		"'''Delete''' does not meet GNG.":                                "delete",
		"'''Delete''' not notable.":                                      "delete",
		"'''Keep''' no reason to delete.":                                "keep",
		"'''Keep'''. Not a valid rationale for deletion.":                "keep",
		"'''Keep''' nothing is wrong with it.":                           "keep",
		"'''Keep''' or at worst '''merge'''":                             "keep",
		"'''Delete''' cannot find sources":                               "delete",
		"'''Delete''' should not have been created":                      "delete",
		"'''Delete''' can't see notability":                              "delete",
		"'''Keep''' this is not that bad":                                "keep",
	} {
		got := ""
		if v := voteOf(text, false); len(v.labels) > 0 {
			got = v.labels[0]
		}
		if got != want {
			t.Errorf("voteOf(%s) = %q, want %q", text, got, want)
		}
	}
}
