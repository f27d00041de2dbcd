package listing

import (
	"context"
	"sync"

	"shoal/internal/harvest"
)

// Memory keeps one enumeration in memory, for a first look.
type Memory struct {
	mu     sync.Mutex
	chains map[string]harvest.Chain
	rows   []harvest.Entry
}

// Chain implements [Chains].
func (m *Memory) Chain(_ context.Context, _, seed string) (harvest.Chain, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chains[seed], nil
}

// Walked implements [Chains].
func (m *Memory) Walked(context.Context, string) (walked harvest.Walked, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, chain := range m.chains {
		walked.Add(chain)
	}
	return walked, nil
}

// CommitStep implements [Chains].
func (m *Memory) CommitStep(_ context.Context, _ string, to harvest.Chain, entries []harvest.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if was := m.chains[to.Seed]; to.Step != was.Step+1 || was.Done {
		return harvest.ErrTaken
	}
	for _, entry := range entries {
		m.rows = append(m.rows, entry.At(int64(len(m.rows))+1))
	}
	if m.chains == nil {
		m.chains = map[string]harvest.Chain{}
	}
	m.chains[to.Seed] = to
	return nil
}

// CorpusRows implements [Chains].
func (m *Memory) CorpusRows(_ context.Context, _ string, after int64, limit int) ([]harvest.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.rows[min(after, int64(len(m.rows))):]
	return rest[:min(limit, len(rest))], nil
}
