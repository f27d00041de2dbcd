// Package tryout fetches the first items of a corpus to show what a harvest of it would do.
//
// In go a corpus, an upstream and a number; out comes text for a person: what was sent, what came
// back, the limits as they were understood, and what would become of each item. It makes its
// requests as a harvest would, within the same budget and by the same policy, and it never stores
// anything and never repeats what failed.
package tryout
