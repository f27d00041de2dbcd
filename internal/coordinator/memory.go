package coordinator

import (
	"context"
	"sync"

	"shoal/internal/harvest"
)

// Memory keeps one enumeration in memory, for those who only want to look.
type Memory struct {
	mu    sync.Mutex
	chain harvest.Chain
	items []harvest.Item
}

// Chain implements Chains.
func (m *Memory) Chain(context.Context, string, string) (harvest.Chain, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chain, nil
}

// CommitStep implements Chains.
func (m *Memory) CommitStep(_ context.Context, _ string, to harvest.Chain, items []harvest.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to.Step != m.chain.Step+1 || m.chain.Done {
		return ErrTaken
	}
	for _, item := range items {
		item.Line = int64(len(m.items)) + 1
		m.items = append(m.items, item)
	}
	m.chain = to
	return nil
}

// CorpusRows implements Chains.
func (m *Memory) CorpusRows(_ context.Context, _ string, after int64, limit int) ([]harvest.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.items[min(after, int64(len(m.items))):]
	return rest[:min(limit, len(rest))], nil
}
