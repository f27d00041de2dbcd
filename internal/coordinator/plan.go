package coordinator

import "math"

// Plan is what a run would cost. Scripts rely on the names of its JSON.
type Plan struct {
	Run          string   `json:"run"`
	Host         string   `json:"host"`
	Shards       int      `json:"shards"`
	Items        int64    `json:"items"` // different ones; 0 while unknown
	Rejected     int64    `json:"rejected"`
	Done         int64    `json:"done"` // of the items, in this run
	PerRequest   int      `json:"items_per_request"`
	Requests     int64    `json:"requests"`
	Budget       float64  `json:"budget"` // requests/s
	Seconds      float64  `json:"seconds"`
	BytesPerItem int64    `json:"bytes_per_item"` // 0 while unknown
	Like         string   `json:"like"`           // the run that BytesPerItem is from
	StoreBytes   int64    `json:"store_bytes"`
	RedisBytes   int64    `json:"redis_bytes"`
	Chains       int      `json:"chains"`        // of a listing; 0 for other corpora
	LongestChain int64    `json:"longest_chain"` // steps, one after the other, as in the run Like; 0 while unknown
	ChainSeconds float64  `json:"chain_seconds"` // that they take, by the answers' mean time there
	Warnings     []string `json:"warnings"`
}

const (
	redisKey = 9.4 // bytes a key in sets that Redis keeps as integers, measured at 20 million
	storeRow = 245 // bytes of a page's row and its index besides its body, measured in PostgreSQL at 500,000
)

// Reckon computes what follows from the rest.
func (p *Plan) Reckon() {
	left := max(0, p.Items-p.Done)
	if p.PerRequest > 0 {
		p.Requests = (left + int64(p.PerRequest) - 1) / int64(p.PerRequest)
	}
	if p.Budget > 0 {
		p.Seconds = math.Ceil(float64(p.Requests) / p.Budget)
	}
	p.RedisBytes = int64(math.Ceil(float64(p.Items) * redisKey))
	if p.BytesPerItem > 0 {
		p.StoreBytes = p.Items * (p.BytesPerItem + storeRow)
	}
}
