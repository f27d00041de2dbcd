package afd

import (
	"slices"
	"testing"
)

// More English of the same kinds: what the words never mean.
func TestNegatedInOtherWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ words, never string }{
		{"I cannot in good conscience vote to delete this", "delete"}, {"There is absolutely no way this should be deleted", "delete"}, {"This clearly does not need to be deleted", "delete"},
		{"I'm not in favor of deletion", "delete"}, {"Not in favour of keeping", "keep"}, {"I am opposed to keeping this", "keep"}, {"I'd rather not delete", "delete"},
		{"I would prefer not to delete", "delete"}, {"Wouldn't want to see it deleted", "delete"}, {"By no means delete", "delete"}, {"Under no circumstances delete", "delete"},
		{"In no way should this be kept", "keep"}, {"Far from a keep", "keep"}, {"Anything but delete", "delete"}, {"Anything but keep", "keep"}, {"Everything except delete", "delete"},
		{"No longer support deletion", "delete"}, {"Please reconsider deletion", "delete"}, {"Don't be hasty to delete", "delete"}, {"There's no policy that says delete", "delete"},
		{"Isn't a valid delete reason", "delete"}, {"AfD is not for cleanup, so don't delete", "delete"}, {"Deleting would be a loss", "delete"}, {"Deletion serves no purpose", "delete"},
		{"Deletion is the wrong approach", "delete"}, {"Deletion unnecessary", "delete"}, {"Delete unnecessary", "delete"}, {"Deletion not required", "delete"},
		{"deletion isn’t the way", "delete"}, {"No-one should delete this", "delete"}, {"Nobody wants this deleted", "delete"}, {"I'm against the deletion of this article", "delete"},
		{"Vehemently opposed to delete", "delete"}, {"Opposing deletion", "delete"}, {"Strong oppose to deletion", "delete"}, {"Strong objection to deleting", "delete"},
		{"Can we not delete this", "delete"}, {"Could we please not delete this", "delete"}, {"Let's not delete", "delete"}, {"Let us not delete this", "delete"}, {"Lets not keep", "keep"},
		{"No to deletion", "delete"}, {"No to merge", "merge"}, {"NO DELETE!!!", "delete"}, {"Isn't this a keep", "delete"}, {"Unmerge", "merge"}, {"Un-delete", "delete"}, {"Undelete", "delete"},
		{"Do not redirect or delete", "redirect"}, {"Do not redirect or delete", "delete"}, {"Not to be merged, nor deleted", "merge"}, {"Not to be merged, nor deleted", "delete"},
		{"Stop deleting good articles", "delete"}, {"Please stop trying to delete this", "delete"}, {"Save this from deletion", "delete"}, {"Reject deletion", "delete"},
		{"I reject the deletion rationale", "delete"}, {"Decline deletion", "delete"}, {"Decline speedy delete", "delete"}, {"Remove deletion tag", "delete"},
		{"Bad faith deletion nomination", "delete"}, {"Improper deletion request", "delete"}, {"Invalid deletion rationale", "delete"}, {"Deletion request is invalid", "delete"},
		{"Frivolous deletion nomination", "delete"}, {"Would not object to keep", "delete"}, {"Would not object to deletion", "keep"}, {"Would not oppose a merge", "keep"},
		{"Never should have been deleted", "delete"}, {"Never should have been kept", "keep"}, {"This hasn't earned a keep", "keep"}, {"Doesn't deserve to be kept", "keep"},
		{"Doesn't deserve deletion", "delete"}, {"Hasn't been shown why it should be kept", "keep"}, {"Not convinced to keep", "keep"}, {"Not convinced this should be deleted", "delete"},
		{"Not convinced by the delete votes", "delete"}, {"Not persuaded by keep arguments", "keep"}, {"Too notable to delete", "delete"}, {"Too important to be deleted", "delete"},
		{"Too trivial to keep", "keep"}, {"Too short to keep", "keep"}, {"Too good to be deleted", "delete"}, {"It's impossible to keep this", "keep"},
		{"No justification exists for deletion", "delete"}, {"Nothing here justifies deletion", "delete"}, {"None of this warrants deletion", "delete"}, {"Without a reason to delete", "delete"},
		{"Who wants to delete this and why", "delete"}, {"Since when do we delete these", "delete"}, {"Is there any reason to delete", "delete"}, {"Are we really going to delete this", "delete"},
		{"Was this meant to be deleted", "delete"}, {"Must we delete", "delete"}, {"How is this a keep", "keep"}, {"Where is the reason to keep", "keep"}, {"Do you want this deleted", "delete"},
		{"Does anyone want to keep this", "keep"}, {"I beg you not to delete", "delete"}, {"Please, don’t delete", "delete"}, {"Pls dont delete", "delete"}, {"Do n't delete", "delete"},
		{"Do not, repeat not, delete", "delete"}, {"Not, I repeat, to be deleted", "delete"}, {"DO-NOT-DELETE", "delete"}, {"Do not (speedy) delete", "delete"}, {"Do not \"delete\"", "delete"},
		{"Do '''not''' delete", "delete"}, {"Don&rsquo;t delete", "delete"}, {"Don&#8217;t delete", "delete"}, {"No. Do not delete", "delete"}, {"Disagree: do not delete", "delete"},
		{"Disagree, should be kept", "delete"}, {"Contest deletion", "delete"}, {"Contest the deletion", "delete"}, {"Protest deletion", "delete"}, {"Disapprove of deletion", "delete"},
		{"Veto deletion", "delete"}, {"Dispute the deletion", "delete"}, {"Question deletion", "delete"}, {"Deny deletion", "delete"}, {"Negative on delete", "delete"},
		{"Would hate to see this deleted", "delete"}, {"Anti-delete", "delete"}, {"Non-keep", "keep"}, {"Keep (not merge)", "merge"}, {"Keep; oppose merge", "merge"},
		{"Keep and oppose deletion", "delete"}, {"Keep, and oppose merger", "merge"}, {"Delete and oppose keep", "keep"}, {"Delete; no merge", "merge"}, {"Delete (do not redirect)", "redirect"},
		{"Delete, not redirect", "redirect"}, {"Delete, not merge", "merge"}, {"Keep, don't rename", "rename"}, {"Don't move, keep", "rename"}, {"Do not move to draft", "draftify"},
		{"Don't send to draft", "draftify"}, {"Not ready for draft", "draftify"}, {"No consensus for deletion", "delete"}, {"Not a snowball keep", "keep"}, {"Not SNOW keep", "keep"},
		{"Not speedy keep", "keep"}, {"Not a speedy delete", "delete"}, {"Not a speedy", "delete"}, {"No speedy", "delete"}, {"Not speedy", "delete"}, {"Oppose speedy", "delete"},
		{"Oppose speedy deletion", "delete"},
		{"Nay to deletion", "delete"}, {"Nay on keep", "keep"}, {"There is zero reason to delete", "delete"}, {"Zero reason to keep", "keep"}, {"Little reason to keep", "keep"}, {"Rarely delete", "delete"}, {"Block deletion", "delete"},
		{"Cancel deletion", "delete"}, {"Challenge the deletion", "delete"}, {"Appeal deletion", "delete"}, {"Unfair deletion", "delete"}, {"Hasty deletion", "delete"}, {"Unjustified deletion", "delete"}, {"Deleting is a bad idea", "delete"},
		{"Deletion is a terrible idea", "delete"}, {"Deletion is out of the question", "delete"}, {"Keeping is out of the question", "keep"}, {"Merger is a bad idea", "merge"}, {"Merging is pointless", "merge"}, {"I would be sad to see this deleted", "delete"},
		{"Refusal to delete", "delete"}, {"Much too good for deletion", "delete"}, {"Too obscure for keeping", "keep"}, {"Unworthy of being kept", "keep"}, {"Immune to deletion", "delete"}, {"Donot delete", "delete"}, {"do nto delete", "delete"},
		{"don;t delete", "delete"}, {"don\"t delete", "delete"}, {"don‛t delete", "delete"}, {"cannnot be kept", "keep"}, {"Delete - not!", "delete"}, {"Delete, not!", "delete"}, {"Delete – never!", "delete"}, {"Delete (NOT!)", "delete"},
		{"Delete – oppose", "delete"}, {"Deletion: oppose", "delete"}, {"Delete — strongly opposed", "delete"}, {"Keep – no way", "keep"}, {"Implausible redirect", "redirect"}, {"Delete, implausible redirect", "redirect"},
	} {
		if v := voteOf("'''"+c.words+"''' I say.", false); slices.Contains(v.labels, c.never) {
			t.Errorf("voteOf('''%s''') = %q, want never %q", c.words, v.labels, c.never)
		}
	}
}

// What others voted, and what became of the article before, is not the author's vote.
func TestPastEventsAreNoVotes(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"Last AfD was keep", "Last AfD was a keep", "Already deleted", "Was kept last time", "Speedy deleted before", "Speedy deleted already", "Already speedy deleted", "Kept last time", "Kept before", "Deleted twice before", "Deleted two years ago",
		"Previously deleted", "Previous AfD closed as keep", "Prior discussion closed as delete", "Prior deletion", "Previous deletion", "The result was keep", "Last result was delete", "The last nomination ended in keep", "First AfD resulted in delete",
		"Article was deleted", "Article was speedily deleted", "The article has been deleted", "The article has already been merged", "It was merged", "This was kept", "This had been kept", "It was already redirected", "Already redirected", "Already merged",
		"Once kept", "Earlier deleted", "Survived, was kept", "Everybody voted keep", "Most people said delete", "Consensus was keep", "Consensus last time was delete", "The decision was delete", "Nominator said delete", "Previous consensus was merge",
		"Article got deleted", "Was deleted in 2006", "Were both kept", "Was userfied", "Has been moved", "Was draftified earlier", "Already deleted by an admin", "Deleted at the time",
	} {
		if v := voteOf("'''"+words+"''' I say.", false); len(v.labels) > 0 {
			t.Errorf("voteOf('''%s''') = %q, want no vote", words, v.labels)
		}
	}
	for words, want := range map[string]string{
		"Deleted": "delete", "Speedy deleted": "delete", "Keep, was kept last time": "keep", "Keep, last AfD was keep": "keep", "Delete, was deleted before": "delete", "Delete as before": "delete", "Keep again": "keep", "Delete again": "delete", "Delete already": "delete",
		"Should be deleted": "delete", "Should have been deleted": "delete", "Must be kept this time": "keep", "To be deleted": "delete", "I voted keep": "keep", "My vote was delete": "delete", "My vote is still delete": "delete", "Was keep, now delete": "delete",
		"Changed to keep": "keep", "Voted delete": "delete", "Speedy delete, already deleted": "delete", "Merge as was decided before": "merge", "Delete per previous AfD": "delete", "Keep per last AfD": "keep", "Speedy keep, kept last time": "keep", "Needs to be deleted": "delete",
		"Let it be kept": "keep", "Redirect, already merged": "redirect", "Delete all": "delete", "Keep all": "keep", "Keep as is": "keep", "Delete everything before 2005": "delete",
	} {
		got := ""
		if v := voteOf("'''"+words+"''' I say.", false); len(v.labels) > 0 {
			got = v.labels[0]
		}
		if got != want {
			t.Errorf("voteOf('''%s''') = %q, want %q", words, got, want)
		}
	}
	if v := voteOf("The result was '''kept''' last time.", true); len(v.labels) != 1 || v.labels[0] != "keep" {
		t.Errorf("voteOf(a result) = %q, want keep", v.labels)
	}
}

// Other votes for an outcome, with words around that elsewhere mean none.
func TestPlainInOtherWords(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"Delete too short": "delete", "Keep, too important": "keep", "Delete - too soon to have an article": "delete", "Delete (not notable)": "delete", "Delete, vanity, not notable, no sources": "delete", "Delete: no coverage, no sources, no claim": "delete",
		"Keep! Not a hoax!": "keep", "Delete. Non-notable": "delete", "Keep and improve, not delete": "keep", "Keep but not in this form": "keep", "Weak keep though not sure": "keep", "Delete, I can't find anything": "delete", "Delete, nothing found": "delete",
		"Delete, implausible redirect": "delete", "Delete – not notable": "delete", "Delete – never": "", "Keep – no, delete": "delete", "Delete. No sources": "delete", "Delete: useless article": "delete", "Delete too obscure for an encyclopedia": "delete", "Delete as a bad idea": "delete",
		"Merge to parent, not enough for an article": "merge", "Redirect, not independently notable": "redirect", "Userfy, not ready": "userfy", "Draftify, not ready for mainspace": "draftify", "Delete with fire": "delete", "Delete delete delete": "delete", "Keep keep keep": "keep",
		"Delete or merge, not keep": "merge", "Delete both": "delete", "Delete, without prejudice to recreation": "delete", "Keep without prejudice": "keep", "Delete all, keep none": "delete", "Delete per nom, cannot see why not": "delete", "Strong keep, nominator is wrong": "keep",
		"Keep, AfD is not cleanup": "keep", "Keep per WP:NOTPAPER": "keep", "Delete per WP:NOT": "delete", "Keep, notability is not temporary": "keep", "Delete, notability is not inherited": "delete", "Delete as unsourced": "delete", "Regretful delete": "delete", "Reluctant delete": "delete",
		"Reluctantly delete": "delete", "Speedy delete as hoax": "delete", "Delete unverifiable": "delete", "Delete unless improved": "delete", "Keep until sources are found": "keep", "I say delete": "delete", "My vote is delete": "delete", "Leaning delete": "delete", "Procedural keep, wrong venue": "keep",
		"Delete, fails notability": "delete", "Delete, lacks notability": "delete", "Delete; insufficient coverage": "delete", "Delete insufficient coverage": "delete", "Delete, hardly any coverage": "delete", "Delete hardly notable": "delete", "Keep, hardly a hoax": "keep", "Delete, and never recreate": "delete",
		"Delete and do not recreate": "delete", "Kill it, delete": "delete", "Delete Delete, no reason to keep": "delete", "Keep, no reason given to delete": "keep", "Keep. Deletion is not cleanup": "keep", "Keep, deletion would be a loss": "keep", "Keep; reject the deletion request": "keep",
		"Was keep, now delete": "delete", "Changed to keep": "keep", "Change to delete": "delete", "Delete, changed from keep": "delete", "Keep (changing from delete)": "keep", "Delete, not worth merging": "delete", "Keep or, failing that, merge": "merge",
	} {
		got := ""
		if v := voteOf("'''"+words+"''' I say.", false); len(v.labels) > 0 {
			got = v.labels[0]
		}
		if got != want {
			t.Errorf("voteOf('''%s''') = %q, want %q", words, got, want)
		}
	}
}
