package afd

import (
	"slices"
	"testing"
)

// Words that are not known to ask for a vote, before a noun or before "to" and the like, give none.
func TestVotesWithoutARequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ words, never string }{
		{"Least of all delete", "delete"}, {"Nope to delete", "delete"}, {"Wait to delete", "delete"}, {"Wait before deleting", "delete"}, {"Hold off on deletion", "delete"}, {"Hold off deleting", "delete"}, {"Postpone deletion", "delete"}, {"Defer deletion", "delete"}, {"Delay deletion", "delete"},
		{"Quit deleting articles", "delete"}, {"Fight deletion", "delete"}, {"Beats deletion", "delete"}, {"Better than deletion", "delete"}, {"Down with deletion", "delete"}, {"Boo to deletion", "delete"}, {"Do the opposite of delete", "delete"}, {"Opposite of keep", "keep"}, {"Retract delete", "delete"},
		{"Delete vote retracted", "delete"}, {"Delete vote retracted", "keep"}, {"Keep !votes don't cite policy", "keep"},
		{"Deletion is unthinkable", "delete"}, {"Deletion goes against policy", "delete"}, {"Deletion contradicts WP:PRESERVE", "delete"}, {"Deletion violates policy", "delete"}, {"Deletion sucks", "delete"}, {"Deletion uncalled for", "delete"}, {"Delete is too harsh", "delete"}, {"Delete is a bit harsh", "delete"},
		{"Keeping this violates BLP", "keep"}, {"Keeping this would set a bad precedent", "keep"}, {"Keep would be against policy", "keep"},
		{"Change my delete to keep", "delete"}, {"Switch delete to weak keep", "delete"}, {"Delete → Keep", "delete"}, {"Don t delete", "delete"}, {"Don\uFFFDt delete", "delete"}, {"Don{{'}}t delete", "delete"}, {"do nt delete", "delete"}, {"Dnt delete", "delete"}, {"Shant delete", "delete"},
	} {
		if v := voteOf("'''"+c.words+"''' I say.", false); slices.Contains(v.labels, c.never) {
			t.Errorf("voteOf('''%s''') = %q, want never %q", c.words, v.labels, c.never)
		}
	}
	for words, want := range map[string]string{
		"Best to delete": "delete", "Better to merge": "merge", "It's time to delete": "delete", "Suggest deletion": "delete", "Recommend deletion": "delete", "Would lean towards deletion": "delete", "Lean to keep": "keep", "Tending to delete": "delete", "In favour of deletion": "delete",
		"Yes to deletion": "delete", "Agree with deletion": "delete", "Deletion per nom": "delete", "Deletion of article": "delete", "Deletion is warranted": "delete", "Deletion seems best": "delete", "Deletion please": "delete", "Merging Foo to Bar": "merge", "Redirecting to Foo": "redirect", "Going with delete": "delete",
		"I'd go for deletion": "delete", "Fine to keep": "keep", "Qualifies for deletion": "delete", "Well worth keeping": "keep", "Change my delete to keep": "keep", "Changing to keep": "keep", "Delete → Keep": "keep", "Keep → Delete": "delete",
	} {
		if v := voteOf("'''"+words+"''' I say.", false); len(v.labels) == 0 || v.labels[0] != want {
			t.Errorf("voteOf('''%s''') = %q, want %q", words, v.labels, want)
		}
	}
}

// The title of a policy is not a word of the sentence.
func TestShortcutsAreNoNegations(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"Delete per [[WP:NOT]]", "Delete [[WP:NOT]]", "Delete - WP:NOT", "Delete: WP:NOT", "Delete as WP:NOT", "Delete (see [[WP:NOT]])", "Delete – WP:NOT, WP:N", "Delete [[WP:NEVER]]", "Delete, [[Wikipedia:NO]]", "WP:NOT, delete", "Fails WP:NOT delete", "Delete -- see [[WP:NOT]] -- and salt",
	} {
		if v := voteOf("'''"+words+"''' I say.", false); len(v.labels) != 1 || v.labels[0] != "delete" {
			t.Errorf("voteOf('''%s''') = %q, want delete", words, v.labels)
		}
	}
}

// An arrow replaces the vote before it.
func TestVotesReplacedByAnArrow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"'''Delete''' → '''Keep'''": "keep", "'''Keep''' &rarr; '''Delete'''": "delete", "'''Keep''' -> '''Weak delete'''": "delete", "<s>'''Delete'''</s> → '''Keep'''": "keep", "'''Keep''' → see below": "keep",
	} {
		if v := voteOf(text, false); len(v.labels) != 1 || v.labels[0] != want || v.struck {
			t.Errorf("voteOf(%s) = %q, struck %t, want %q", text, v.labels, v.struck, want)
		}
	}
}
