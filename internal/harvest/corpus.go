package harvest

// StoreCorpus as a corpus means the run's own table. It never contradicts the corpus that a run was
// opened with.
const StoreCorpus = "store:"
