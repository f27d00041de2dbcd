package config

import "shoal/internal/harvest"

// Part names the part of the corpus that the worker takes: i/N, or auto.
func (w Worker) Part() string {
	if w.AutoShard {
		return autoText
	}
	return w.Shard.String()
}

// AsRun returns the run as the settings have it, defaults included. Its name and its corpus are
// those that the operator gave, and its host is not known yet.
func (w Worker) AsRun() harvest.Run {
	return harvest.Run{
		Name: w.Run, Rate: w.Rate.String(), Check: w.Check, Wait: w.Wait, Pack: w.Pack, Titles: harvest.TitlesWritten,
		Inputs: harvest.Inputs{
			Upstream: w.Upstream, API: w.URL + w.API, Extract: w.Extract, Body: w.Body, Corpus: w.Corpus,
			Next: w.Next, Items: w.Items, Split: w.Split, ID: w.ID, Absent: w.Absent,
		},
	}
}

// WithRun returns the settings with what a run has of them, as [Worker.AsRun] returns it. An
// upstream that they name stays.
func (w Worker) WithRun(run harvest.Run) Worker {
	w.Run, w.Corpus = run.Name, run.Corpus
	if w.URL+w.API == "" {
		if kind, _ := w.Kinds().Find(run.Upstream); kind.API != "" {
			w.API = run.API
		} else {
			w.URL = run.API
		}
	}
	if rate, err := ParseRate(run.Rate); err == nil && run.Rate != w.Rate.String() {
		w.Rate = rate
	}
	w.Upstream, w.Extract, w.Body, w.Check, w.Wait = run.Upstream, run.Extract, run.Body, run.Check, run.Wait
	w.Next, w.Items, w.Split, w.ID, w.Absent, w.Pack = run.Next, run.Items, run.Split, run.ID, run.Absent, run.Pack
	return w
}
