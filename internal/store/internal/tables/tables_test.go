package tables

import (
	"testing"

	"shoal/internal/harvest"
)

// The fingerprint is part of keys in Redis: another form would void every mirror that there is.
func TestTheFormOfAFingerprintStays(t *testing.T) {
	t.Parallel()
	if got := Fingerprint("a", "b"); got != "c8687a08" {
		t.Errorf("Fingerprint(a, b) = %s, want c8687a08", got)
	}
	if Fingerprint("a") == Fingerprint("b") {
		t.Error("two generations have one fingerprint")
	}
}

func TestMinutesAddUpWorkers(t *testing.T) {
	t.Parallel()
	var all Minutes
	for _, row := range []struct {
		minute  int64
		seconds string
	}{{7, "[1, 2]"}, {7, "[3]"}, {8, "[5]"}} {
		if err := all.AddRow(row.minute, []byte(row.seconds)); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) != 2 || all[0].Seconds[0] != 4 || all[0].Seconds[1] != 2 || all[1] != (harvest.Minute{Unix: 8, Seconds: [60]int{5}}) {
		t.Errorf("Minutes = %v, want 4 and 2 in minute 7, 5 in minute 8", all)
	}
	if err := all.AddRow(9, []byte("{")); err == nil || len(all) != 2 {
		t.Errorf("AddRow({) = %v, want an error and no minute", err)
	}
}

func TestExtractableCountsWhatMayHaveABody(t *testing.T) {
	t.Parallel()
	shards := []harvest.ShardState{{Counts: harvest.Counts{Landed: 3, Dead: 9}}, {Counts: harvest.Counts{Skipped: 2, Missing: 9}}}
	if got := Extractable(shards); got != 5 {
		t.Errorf("Extractable() = %d, want 5", got)
	}
}
