package testenv

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// CollectorServer receives OTLP over HTTP, as an OpenTelemetry collector does.
type CollectorServer struct {
	URL string

	mu      sync.Mutex
	spans   []Span
	metrics map[string]string
	headers http.Header
}

// Span is one that was received.
type Span struct {
	Trace, ID, Parent string // hex; Parent is empty for a root
	Name              string
	From, To          time.Time
	Attributes        map[string]string
	Resource          map[string]string
	Failed            bool
}

// Collector starts a collector. hangs, if not nil, keeps each request until it is closed.
func Collector(t testing.TB, hangs <-chan struct{}) *CollectorServer {
	t.Helper()
	c := &CollectorServer{metrics: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hangs != nil {
			<-hangs
		}
		if err := c.take(r); err != nil {
			t.Errorf("collector: %s: %v", r.URL.Path, err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Spans returns what was received so far.
func (c *CollectorServer) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Metrics returns the names of the metrics that were received, with their kind.
func (c *CollectorServer) Metrics() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]string{}
	for name, kind := range c.metrics {
		all[name] = kind
	}
	return all
}

// Header returns the header of the latest request.
func (c *CollectorServer) Header() http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.headers
}

func (c *CollectorServer) take(r *http.Request) error {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	if strings.HasSuffix(r.URL.Path, "/v1/traces") {
		return c.takeSpans(text)
	}
	return c.takeMetrics(text)
}

func (c *CollectorServer) takeSpans(text []byte) error {
	var request tracepb.ExportTraceServiceRequest
	if err := proto.Unmarshal(text, &request); err != nil {
		return err
	}
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{
					Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()), Name: s.GetName(),
					From: time.Unix(0, int64(s.GetStartTimeUnixNano())), To: time.Unix(0, int64(s.GetEndTimeUnixNano())),
					Attributes: texts(s.GetAttributes()), Resource: texts(resource.GetResource().GetAttributes()), Failed: s.GetStatus().GetCode() == 2,
				})
			}
		}
	}
	return nil
}

func (c *CollectorServer) takeMetrics(text []byte) error {
	var request metricspb.ExportMetricsServiceRequest
	if err := proto.Unmarshal(text, &request); err != nil {
		return err
	}
	for _, resource := range request.GetResourceMetrics() {
		for _, scope := range resource.GetScopeMetrics() {
			for _, m := range scope.GetMetrics() {
				kind := "other"
				switch {
				case m.GetSum() != nil:
					kind = "sum"
				case m.GetGauge() != nil:
					kind = "gauge"
				case m.GetExponentialHistogram() != nil:
					kind = "exponential histogram"
				case m.GetHistogram() != nil:
					kind = "histogram"
				}
				c.metrics[m.GetName()] = kind
			}
		}
	}
	return nil
}

func texts(pairs []*commonpb.KeyValue) map[string]string {
	all := map[string]string{}
	for _, pair := range pairs {
		switch v := pair.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			all[pair.GetKey()] = v.StringValue
		default:
			all[pair.GetKey()] = pair.GetValue().String()
		}
	}
	return all
}
