package afd

import "strings"

func words(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// modifiers express how strongly, and nothing about what.
var modifiers = words("strong strongly strongest weak weakly speedy speedily snow snowball regretful regretfully reluctant reluctantly very extremely " +
	"conditional conditionally tentative tentatively selective slight procedural leaning lean mild default quick quickly firm definite definitely super ultra uber obvious clear total absolute absolutely rather my vote")

// remarks open what is not a vote, whatever follows.
var remarks = words("comment comments note notes question questions reply response query clarification clarify rebuttal observation remark update " +
	"correction info information fyi addendum relisted relisting re")

// ends are the words after which the target or the grounds follow; conjunctions end those.
var (
	ends         = words("to into in per with as from because since unless if until without under by at for although though despite")
	conjunctions = words("and or nor but then else otherwise")
)

// places are destinations that "move to" turns into votes of their own.
var places = words("draft draftspace userspace")

// Negations, by what they do to the vote that follows: they reverse it, or void it.
var (
	negations = words("not never cannot no nothing none nobody nowhere non anti oppose opposes opposed opposing opposition against object objects objecting objected objection objections " +
		"disagree disagrees disapprove disapproves contest contests contesting protest veto dispute disputes deny denies reconsider negative hate averse un undo avoid prevent stop halt cease resist")
	voids = words("hardly barely scarcely neither nor why whether between unlikely doubt doubtful unclear unsure uncertain unable unwilling insufficient lack lacks lacking lacked without " +
		"rarely seldom nay block blocks cancel cancels abort challenge challenges appeal appeals revert refusal immune unworthy undeserving decline declined refuse refused reject rejected overturn overturned reverse reversed formerly previously originally initially refrain retract retracts retracted retracting rescind rescinded rescinding revoke revoked opposite")
	// oddities negate their object: premature to delete, a mistake to merge.
	oddities = words("premature wrong mistake error absurd ridiculous silly foolish unfair harsh unnecessary unwarranted unjustified inappropriate overkill impossible nonsense crazy stupid insane shame pity soon early " +
		"hasty wrongful implausible useless pointless sad fail fails failed failing reluctant hesitant hesitate ineligible unsuitable unfit")
	// phrases negate by two words.
	phrases = map[string]string{"rather": "than", "instead": "of", "opposed": "to", "lieu": "of", "far": "from", "short": "of", "contrary": "to", "other": "than", "zero": "reason", "little": "reason"}
	// opposing words reverse what they name even if it is a noun.
	opposing = words("oppose opposes opposed opposing against")
)

// mere words after "not" take the negation back: not only delete, but salt.
var mere = words("only just merely simply solely")

// lukewarm words after "no" make no request.
var lukewarm = words("problem problems issue issues qualms preference opinion prejudice harm longer sure yet hurry rush comment idea")

// helpers may come between a negation and what it negates.
var helpers = words("be been being to it its it's this that these those a an the of for any really just simply even ever at all want wish going think believe see agree should would could can may might must shall will have has had " +
	"get gets got reason reasons need needs basis grounds ground case justification justifiable argument policy valid good compelling point support supports supporting warrant warrants seems seem ought cause way i we you they there's there is are was were " +
	"do does did article page entry one worth worthy deserve deserves merit merits require requires suitable eligible candidate fit voting favor favour call calls consider considered here me us convinced enough sufficient sufficiently " +
	"outright completely entirely immediately now still so please automatically default based with whatsoever")

// grounds take a negation for themselves: of "not notable delete" only the notability is negated.
var grounds = words("notable notability encyclopedic encyclopaedic encyclopedia verifiable verified verifiability verify sourced sources source sourcing referenced references reference reliable reliably coverage covered significant significance hits ghits google " +
	"evidence claim claims assertion assert asserted asserts content context news third secondary independent wikipedia inherited inherit crystal dictionary directory hoax spam vandalism real exist exists existing established establish important importance famous " +
	"known relevant relevance credible credibility meet meets pass passes passing satisfy satisfies satisfied demonstrate demonstrated demonstrates gng bio indication proof info cited citations citation original research unique unsourced neutral pov web hit results")

// takeBack words make a vote after grounds depend on them again: not notable enough to keep.
var takeBack = words("to be being for")

// modals begin a statement of its own after a conjunction.
var modals = words("should must ought let let's i we please is it this will shall has so therefore hence thus")

// resets end a negation.
var resets = words("but so therefore hence thus then else otherwise however still instead")

// asks, at the start of a clause, turn it into a question.
var asks = words("why how what who where which")

// inverted verbs ask if a pronoun follows.
var (
	inverted = words("must was were should shall can could would is are does did will may might")
	pronouns = words("we i it this they you there these anyone anybody someone somebody people")
)

// conditions, at the start of a clause, express when, not what.
var conditions = words("if unless until when whenever once")

// adjuncts turn the word before them into a name of something else: delete votes, deletion policy.
var adjuncts = words("request requests tag tags template proposal proposals notice attempt attempts votes voters !votes arguments argument side camp rationale rationales comments opinions discussion discussions debate debates nomination nominations nominator review policy policies sorting log process guideline guidelines criteria criterion crowd proponents supporters reason reasons")

// nouns are the forms of a vote that name it, so that a statement about it may follow.
var nouns = words("deletion deleting keeping merging merger redirecting moving renaming withdrawal incubation drafting")

// copulas join such a statement.
var copulas = words("serves serve is was are were seems be would should could can may might must will has does looks feels makes make isn't wasn't wouldn't shouldn't couldn't can't cannot won't doesn't not no")

// about are words about what to do, not about an article.
var about = words("purpose option options answer solution warranted needed necessary required justified appropriate called possible acceptable supported way right good merited cleanup desirable advisable what helpful order table best ok okay reasonable sensible wise " +
	"sense outcome happen happening fair valid allowed done consensus")

// refused are words that void the vote before them.
var refused = words("declined denied rejected refused overturned reversed contested opposed disputed unwarranted inappropriate unnecessary unjustified wrong premature overkill excessive unacceptable averted avoided impossible invalid improper retracted rescinded revoked struck stricken cancelled canceled")

// bad words condemn the vote that they are about.
var bad = words("mistake nonsense absurd ridiculous loss shame pity disaster tragedy wrong error invalid improper silly foolish vandalism censorship")

// poor words condemn a noun, or the idea.
var poor = words("bad terrible awful horrible dreadful stupid crazy insane pointless useless misguided confusing poor dumb harmful")

// denials are the only words of a clause that takes back the vote before it: Delete – not!
var denials = words("not no never nope nay way oppose opposed strongly definitely absolutely certainly")

// allBut are words that exclude what follows them and "but".
var allBut = words("anything everything all something")
