package plain

import (
	"strings"
	"time"

	"shoal/internal/harvest"
)

// The shapes of endings, and configs of one expression.
func landed(body string) ending { return ending{Outcome: harvest.Landed, Body: body} }

func noJSON() ending { return ending{Fault: harvest.FaultUndecodable, Reason: ReasonBadJSON} }

func odd(reason string) ending { return ending{Fault: harvest.FaultUnexpected, Reason: reason} }

func skipped(reason, detail string) ending {
	return ending{Outcome: harvest.Skipped, Reason: reason, Detail: detail}
}

// failed keeps the body, for an expression that is fixed later.
func failed(body, detail string) ending {
	return ending{Outcome: harvest.Skipped, Reason: ReasonExtractFailed, Body: body, Detail: detail}
}

func records(body, data string) ending {
	return ending{Outcome: harvest.Landed, Body: body, Records: data}
}

func extract(jq string) Config { return Config{Extract: jq} }
func check(jq string) Config   { return Config{Check: jq} }
func wait(jq string) Config    { return Config{Wait: jq} }

// readCases are the ways in which an answer can end, one sentence each.
var readCases = []struct {
	name   string
	config Config
	status int
	body   string
	want   ending
}{
	{"the answer is the body, byte for byte", Config{}, 200, " {\"a\": 1.0,\n\"a\":2}\n", landed(" {\"a\": 1.0,\n\"a\":2}\n")},
	{"204 lands without a body", Config{}, 204, "", ending{Outcome: harvest.Landed}},
	{"204 has nothing to check", check(".ok"), 204, "", ending{Outcome: harvest.Landed}},
	{"an empty 200 is not JSON", Config{}, 200, "", noJSON()},
	{"blanks are no JSON", Config{}, 200, " \n", noJSON()},
	{"two values", Config{}, 200, "{}{}", noJSON()},
	{"a byte order mark", Config{}, 200, "\ufeff{}", noJSON()},
	{"cut short", Config{}, 200, `{"a":[1,2`, noJSON()},
	{"an HTML error page", Config{}, 200, "<html>Bad gateway</html>", ending{Fault: harvest.FaultUndecodable, Reason: ReasonHTML}},
	{"cut short beats a bad number: it may be whole the next time", Config{}, 200, `[1e200000`, noJSON()},
	{"\\u0000 is mended", Config{}, 200, `{"a":"x\u0000"}`, ending{Outcome: harvest.Landed, Reason: "mended_nul", Body: `{"a":"x\ufffd"}`}},
	{"half a pair is mended", Config{}, 200, `"\ud800"`, ending{Outcome: harvest.Landed, Reason: "mended_surrogate", Body: `"\ufffd"`}},
	{"bytes that are no UTF-8 are mended", Config{}, 200, "\"a\xff\"", ending{Outcome: harvest.Landed, Reason: "mended_utf8", Body: "\"a\ufffd\""}},
	{"all at once", Config{}, 200, "\"\\u0000\\udc00\xff\"",
		ending{Outcome: harvest.Landed, Reason: "mended_nul,mended_surrogate,mended_utf8", Body: "\"\\ufffd\\ufffd\ufffd\""}},
	{"a number that numeric cannot hold", Config{}, 200, `{"n":1e200000}`, skipped(ReasonBadNumber, "1e200000")},
	{"one that only float64 cannot hold", Config{}, 200, `{"n":1e400}`, landed(`{"n":1e400}`)},
	{"too deep", Config{}, 200, strings.Repeat("[", 257) + strings.Repeat("]", 257), skipped(ReasonTooDeep, "more than 256 levels")},
	{"too deep for a smaller bound", Config{MaxDepth: 2}, 200, `[[[]]]`, skipped(ReasonTooDeep, "more than 2 levels")},
	{"too large", Config{MaxBody: 3}, 200, `[1,2]`, skipped(ReasonTooLarge, "5 bytes, at most 3 are kept")},

	{"none keeps only records", Config{Body: BodyNone, Extract: ".a"}, 200, `{"a":1}`, ending{Outcome: harvest.Landed, Records: "1"}},
	{"none still wants JSON", Config{Body: BodyNone}, 200, `<html>`, ending{Fault: harvest.FaultUndecodable, Reason: ReasonHTML}},
	{"raw keeps any bytes", Config{Body: BodyRaw}, 200, "\x00\xff<html>", ending{Outcome: harvest.Landed, Raw: "\x00\xff<html>"}},
	{"raw keeps nothing, too", Config{Body: BodyRaw}, 200, "", ending{Outcome: harvest.Landed}},
	{"raw with records wants JSON", Config{Body: BodyRaw, Extract: "."}, 200, "<html>", ending{Fault: harvest.FaultUndecodable, Reason: ReasonHTML}},
	{"raw keeps its bytes where the records are mended", Config{Body: BodyRaw, Extract: ".a"}, 200, "{\"a\":\"\xff\"}",
		ending{Outcome: harvest.Landed, Raw: "{\"a\":\"\xff\"}", Records: "\"\ufffd\""}},
	{"raw takes a number that no record uses", Config{Body: BodyRaw, Extract: ".a"}, 200, `{"a":1,"n":1e200000}`,
		ending{Outcome: harvest.Landed, Raw: `{"a":1,"n":1e200000}`, Records: "1"}},
	{"but not in a record", Config{Body: BodyRaw, Extract: ".n"}, 200, `{"n":1e200000}`,
		skipped(ReasonBadNumber, "record 0: 1e200000: a number that PostgreSQL's numeric cannot hold")},

	{"one record", extract("."), 200, `{"b":1,"a":[true,null]}`, records(`{"b":1,"a":[true,null]}`, `{"a":[true,null],"b":1}`)},
	{"many records in order", extract(".items[]"), 200, `{"items":[3,1,2]}`, records(`{"items":[3,1,2]}`, "3 1 2")},
	{"what follows an empty object", extract(".[]"), 200, `[{},0,{"a":{}},"x"]`, records(`[{},0,{"a":{}},"x"]`, `{} 0 {"a":{}} "x"`)},
	{"no record", extract("empty"), 200, `{}`, records(`{}`, "")},
	{"the same key twice: the last wins", extract(".a"), 200, `{"a":1,"a":2}`, records(`{"a":1,"a":2}`, "2")},
	{"large integers keep their digits", extract(".[]"), 200, `[12345678901234567890123,9007199254740993,-0,1.10]`,
		records(`[12345678901234567890123,9007199254740993,-0,1.10]`, "12345678901234567890123 9007199254740993 -0 1.10")},
	{"also where jq computes", extract("map(.+1)|.[]"), 200, `[9223372036854775807,9007199254740993]`,
		records(`[9223372036854775807,9007199254740993]`, "9223372036854775808 9007199254740994")},
	{"what jq makes is mended too", extract(`"\u0000" + .`), 200, `"a"`,
		ending{Outcome: harvest.Landed, Reason: "mended_nul", Body: `"a"`, Records: `"\ufffda"`}},
	{"NaN is null as in jq", extract("nan"), 200, `1`, records("1", "null")},
	{"infinity is the largest number as in jq", extract("infinite"), 200, `1`, records("1", "1.7976931348623157e+308")},
	{"halt ends well", extract("1,halt,2"), 200, `{}`, records("{}", "1")},
	{"wrong type in a field", extract(".a.b"), 200, `{"a":"text"}`, failed(`{"a":"text"}`, `expected an object but got: string ("text")`)},
	{"an error of the expression's own", extract(`error("no title")`), 200, `{}`, failed(`{}`, "error: no title")},
	{"what fails late leaves no record", extract(`1, error("x")`), 200, `{}`, failed(`{}`, "error: x")},
	{"an expression without end", Config{Extract: "def f: f; f", Limit: 30 * time.Millisecond}, 200, `{}`, failed(`{}`, "it took longer than 30ms")},
	{"records without end", Config{Extract: "repeat(1)", MaxRecords: 10}, 200, `{}`, failed(`{}`, "it yields more than 10 records")},
	{"too many bytes of records", Config{Extract: ".[]", MaxYield: 5}, 200, `["abc","def"]`,
		failed(`["abc","def"]`, "record 1: all records together have more than 5 bytes")},
	{"a record that is nested too deep", extract("reduce range(1000) as $i (0; [.])"), 200, `{}`, failed(`{}`, "record 0: nested too deep")},
	{"raw keeps its bytes where the expression fails", Config{Body: BodyRaw, Extract: "error(1)"}, 200, `{}`,
		ending{Outcome: harvest.Skipped, Reason: ReasonExtractFailed, Raw: "{}", Detail: "error: 1"}},
	{"none keeps nothing where the expression fails", Config{Body: BodyNone, Extract: "error(1)"}, 200, `{}`, failed("", "error: 1")},
	{"more values than jq works on", Config{Extract: ".", MaxValues: 3}, 200, `[1,2,3]`, skipped(ReasonTooMany, "4 values, jq works on at most 3")},
	{"more values than jq works on, without jq", Config{MaxValues: 3}, 200, `[1,2,3]`, landed(`[1,2,3]`)},
	{"no environment", extract("[env, $ENV]"), 200, `{}`, records("{}", "[{},{}]")},

	{"a check that is true", check(".ok"), 200, `{"ok":true}`, landed(`{"ok":true}`)},
	{"as in jq, all but false and null is true", check(".n"), 200, `{"n":0}`, landed(`{"n":0}`)},
	{"a check that is false", check(".ok"), 200, `{"ok":false}`, odd(ReasonCheckFailed)},
	{"a check that is null", check(".ok"), 200, `{}`, odd(ReasonCheckFailed)},
	{"a check that yields nothing", check("empty"), 200, `{}`, odd(ReasonCheckFailed)},
	{"a check that fails", check(".a.b"), 200, `{"a":1}`, odd(ReasonCheckFailed)},
	{"a check that is not true for all", check(".[]"), 200, `[true,false]`, odd(ReasonCheckFailed)},

	{"nothing to wait for", wait(".retry"), 200, `{}`, landed("{}")},
	{"zero is no wait", wait(".retry"), 200, `{"retry":0}`, landed(`{"retry":0}`)},
	{"a negative number is no wait", wait(".retry"), 200, `{"retry":-5}`, landed(`{"retry":-5}`)},
	{"seconds, rounded up to milliseconds", wait(".retry"), 200, `{"retry":1.0001}`,
		ending{Fault: harvest.FaultLagged, Reason: "wait", Wait: 1001 * time.Millisecond}},
	{"the longest of several", wait(".[]"), 200, `[1,3,2]`, ending{Fault: harvest.FaultLagged, Reason: "wait", Wait: 3 * time.Second}},
	{"beyond all sense", wait(".retry"), 200, `{"retry":1e300}`, ending{Fault: harvest.FaultLagged, Reason: "wait", Wait: maxWait}},
	{"a number that no float holds", wait(".retry"), 200, `{"retry":1e400}`, ending{Fault: harvest.FaultLagged, Reason: "wait", Wait: maxWait}},
	{"a wait that is not a number", wait(".retry"), 200, `{"retry":"soon"}`, odd(ReasonWaitFailed)},
	{"a wait that fails", wait(".a.b"), 200, `[]`, odd(ReasonWaitFailed)},
	{"an answer that asks to wait is not checked", Config{Wait: ".retry", Check: ".ok"}, 200, `{"retry":1}`,
		ending{Fault: harvest.FaultLagged, Reason: "wait", Wait: time.Second}},
	{"a check that is false leaves no record", Config{Check: ".ok", Extract: "error"}, 200, `{}`, odd(ReasonCheckFailed)},
}
