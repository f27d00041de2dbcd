package fetch

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file comes over HTTP/1.1 with the heads and chunks that items come with, on a connection that
// is used again.
func TestDownloadsOfOddAnswers(t *testing.T) {
	t.Parallel()
	client, err := Downloader(Config{UserAgent: agent, TrustedHosts: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{
		"a plain answer":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"odd lines":            "http/1.1 200\nnonsense\nContent-Length : 5\n\nhello",
		"chunked said twice":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"odd chunks":           chunkedHead + "05 ;a=b\nhello\n0\nX: 1\n\n",
		"a hint, then chunked": "HTTP/1.1 103 Early Hints\r\n\r\n" + chunkedHead + "5 \r\nhello\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin := rawServer(t, answer, false)
			for range 3 {
				resp, err := client.Get(origin + "/corpus.txt")
				if err != nil {
					t.Fatalf("Get of %q = %v, want an answer", answer, err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(body) != "hello" {
					t.Errorf("Get of %q = %q, %v, want hello", answer, body, err)
				}
			}
		})
	}
}

// Over TLS a file comes in the protocol that its server prefers.
func TestDownloadsOverTLS(t *testing.T) {
	t.Parallel()
	for _, major := range []int{1, 2} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
		server.EnableHTTP2 = major == 2
		server.StartTLS()
		t.Cleanup(server.Close)
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
			t.Fatal(err)
		}
		client, err := Downloader(Config{UserAgent: agent, TrustedHosts: []string{"127.0.0.1"}, CAFile: ca})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Get(server.URL + "/corpus.txt")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.ProtoMajor != major || !strings.HasPrefix(string(body), "HTTP/") {
			t.Errorf("Get = %s, %q, %v, want HTTP/%d", resp.Proto, body, err, major)
		}
	}
}
