package console

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"shoal/internal/status"
)

// stuckArgument makes the test binary wait for a signal and then do nothing, for ever.
const stuckArgument = "be-stuck"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == stuckArgument {
		beStuck()
	}
	os.Exit(m.Run())
}

func beStuck() {
	catchSignals(status.NewScreen(io.Discard), "stopping", 200*time.Millisecond)
	_, _ = os.Stdout.WriteString("ready\n")
	for i := 0; ; i++ { // no call, no channel
		if i < 0 {
			return
		}
	}
}

// TestLeavesWhateverHangs: after a signal the program leaves with the signal's code, even if
// something in it never ends.
func TestLeavesWhateverHangs(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], stuckArgument)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != ExitSIGTERM {
		t.Errorf("a program that hangs after SIGTERM = %v, want exit code %d", err, ExitSIGTERM)
	}
}
