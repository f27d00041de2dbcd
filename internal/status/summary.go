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
	part := "shard " + p.Shard.String()
	if p.Shards > 1 {
		part = fmt.Sprintf("%d shards", p.Shards)
	}
	fmt.Fprintf(&b, "\nrun %s, %s: %s after %s\n", p.Run, part, harvest.Line(headline), duration(v.elapsed))
	fmt.Fprintf(&b, "  items     %s\n", v.itemsText())
	if p.Total > 0 {
		fmt.Fprintf(&b, "            %s of %s in all, %s of them before this start\n", humanize.Comma(v.done), v.totalText(), humanize.Comma(p.Already))
	}
	if p.Records > 0 {
		fmt.Fprintf(&b, "  records   %s of %s\n", humanize.Comma(p.Records), plural(p.Counts.Landed, "page", "pages"))
	}
	fmt.Fprintf(&b, "  requests  %s; %s, %s\n", humanize.Comma(p.Requests), plural(p.Retries, "retry", "retries"), plural(p.Pauses, "pause", "pauses"))
	fmt.Fprintf(&b, "  rate      %s\n", v.meanText())
	fmt.Fprintf(&b, "  bytes     %s\n", v.bytesText())
	if p.Note != "" {
		fmt.Fprintf(&b, "  note      %s\n", harvest.Line(p.Note))
	}
	if p.LogsDropped > 0 {
		fmt.Fprintf(&b, "  log       %s dropped, because stderr did not take them\n", plural(p.LogsDropped, "line", "lines"))
	}
	facts := Wrap(b.String(), widthOf(w))
	b.Reset()
	if len(next) > 0 { // commands stay whole, for who copies them
		b.WriteString("next:\n")
	}
	for _, line := range next {
		fmt.Fprintf(&b, "  %s\n", harvest.Line(line))
	}
	_, err := io.WriteString(w, facts+b.String())
	return err
}

// widthOf is how many columns a line may have there; 0: there is no limit.
func widthOf(w io.Writer) int {
	if paper, ok := w.(interface{ Width() int }); ok {
		return paper.Width()
	}
	return 0
}

func (v view) itemsText() string {
	var all []string
	for _, c := range outcomes(v.Counts) {
		all = append(all, humanize.Comma(c.n)+" "+c.name)
	}
	return strings.Join(all, ", ")
}

// meanText is the mean rate from the start to now, and how much of the budget that is.
func (v view) meanText() string {
	seconds := v.elapsed.Seconds()
	if seconds == 0 {
		return "0/s"
	}
	mean := float64(v.Requests) / seconds
	if v.Budget <= 0 {
		return number(mean) + "/s"
	}
	return fmt.Sprintf("%s/s = %.1f %% of the fleet's budget of %s/s", number(mean), 100*mean/v.Budget, number(v.Budget))
}

func (v view) bytesText() string {
	text := fmt.Sprintf("%s received, %s kept", bytesText(v.Wire), bytesText(v.Counts.Bytes))
	if ended := v.Counts.Items(); ended > 0 {
		text += fmt.Sprintf(", %s per item", bytesText(v.Counts.Bytes/ended))
	}
	return text
}
