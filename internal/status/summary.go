package status

import (
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// Summary writes what a worker did, in the numbers of the progress: a headline
// such as "drained", the counts, the budget used, and the commands to go on with.
func Summary(w io.Writer, headline string, p harvest.Progress, next ...string) error {
	v := viewOf(p, 0)
	var b strings.Builder
	fmt.Fprintf(&b, "\nrun %s, shard %s: %s after %s\n", p.Run, p.Shard, printable(headline), duration(v.elapsed))
	fmt.Fprintf(&b, "  items     %s\n", v.itemsText())
	fmt.Fprintf(&b, "  requests  %s\n", v.requestsText())
	fmt.Fprintf(&b, "  bytes     %s\n", v.bytesText())
	if p.Note != "" {
		fmt.Fprintf(&b, "  note      %s\n", printable(p.Note))
	}
	if p.LogsDropped > 0 {
		fmt.Fprintf(&b, "  log       %s dropped, because stderr did not take them\n", plural(p.LogsDropped, "line", "lines"))
	}
	if len(next) > 0 {
		b.WriteString("next:\n")
	}
	for _, line := range next {
		fmt.Fprintf(&b, "  %s\n", printable(line))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (v view) itemsText() string {
	var all []string
	for _, c := range outcomes(v.Counts) {
		all = append(all, humanize.Comma(c.n)+" "+c.name)
	}
	text := strings.Join(all, ", ")
	if v.Already > 0 {
		text += fmt.Sprintf("; %s done before", humanize.Comma(v.Already))
	}
	if v.Total > 0 {
		text += fmt.Sprintf("; %s of %s in all", humanize.Comma(v.done), humanize.Comma(v.Total))
	}
	return text
}

func (v view) requestsText() string {
	text := humanize.Comma(v.Requests)
	if seconds := v.elapsed.Seconds(); seconds > 0 && v.Requests > 0 {
		mean := float64(v.Requests) / seconds
		text += fmt.Sprintf(", %s/s", number(mean))
		if v.Budget > 0 {
			text += fmt.Sprintf(" = %.1f %% of the fleet's budget of %s/s", 100*mean/v.Budget, number(v.Budget))
		}
	}
	return text + fmt.Sprintf("; %s, %s", plural(v.Retries, "retry", "retries"), plural(v.Pauses, "pause", "pauses"))
}

func (v view) bytesText() string {
	text := fmt.Sprintf("%s received, %s kept", bytesText(v.Wire), bytesText(v.Counts.Bytes))
	if ended := v.Counts.Items(); ended > 0 {
		text += fmt.Sprintf(", %s per item", bytesText(v.Counts.Bytes/ended))
	}
	return text
}
