package dashboards

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func get(t *testing.T, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestRoutes: each address answers what it should, with the headers that keep a page to this origin.
func TestRoutes(t *testing.T) {
	ingest := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
	_, url := serve(t, Options{Fixture: true, Ingest: ingest})
	waitReady(t, url)
	cases := []struct {
		path, kind, holds string
		status            int
	}{
		{"/", "text/html", "<div id=\"app\">", 200},
		{"/icon.svg", "image/svg+xml", "<svg", 200},
		{"/api/now", "application/json", "\"epoch\"", 200},
		{"/api/campaigns/coffee-week", "application/json", "\"Coffee week\"", 200},
		{"/api/campaigns/nothing", "application/problem+json", "unknown campaign", 404},
		{"/livez", "application/json", "ok", 200},
		{"/readyz", "application/json", "ok", 200},
		{"/startupz", "application/json", "ok", 200},
		{"/metrics", "application/problem+json", "not served here", 404},
		{"/v1/receipts", "", "", 202},
		{"/no/such/page", "application/problem+json", "no such page", 404},
		{"/server.go", "application/problem+json", "", 404},
	}
	for _, tc := range cases {
		resp, body := get(t, url+tc.path)
		if resp.StatusCode != tc.status || !strings.HasPrefix(resp.Header.Get("Content-Type"), tc.kind) || !strings.Contains(body, tc.holds) {
			t.Errorf("%s: %d %s %.80q", tc.path, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		csp := resp.Header.Get("Content-Security-Policy")
		if tc.status == 200 && (!strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || resp.Header.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: headers %v", tc.path, resp.Header)
		}
	}
	post, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/receipts", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := http.DefaultClient.Do(post)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("a write from a page of another origin got %d", resp.StatusCode)
	}
}

func waitReady(t *testing.T, url string) {
	t.Helper()
	for range 100 {
		if resp, _ := get(t, url+"/api/now"); resp.StatusCode == 200 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server has no state")
}

// TestAssets: hashed files may be kept for ever, the page may not, and what a browser loads first stays within its budget.
func TestAssets(t *testing.T) {
	files, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	_, url := serve(t, Options{Fixture: true})
	scripts := 0
	for name, a := range files {
		resp, body := get(t, url+name, "Accept-Encoding", "gzip")
		if resp.StatusCode != 200 || (a.immutable != strings.Contains(resp.Header.Get("Cache-Control"), "immutable")) {
			t.Errorf("%s: %d %s", name, resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
		if resp.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil || !bytes.Equal(plain, a.body) {
				t.Errorf("%s does not survive gzip: %v", name, err)
			}
		}
		if again, _ := get(t, url+name, "If-None-Match", resp.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %d for what the browser has already", name, again.StatusCode)
		}
		if strings.HasSuffix(name, ".js") {
			scripts += len(a.packed)
		}
		for _, host := range []string{"https://", "http://"} {
			// The only addresses allowed are names: of XML namespaces, and in licence texts.
			text := strings.NewReplacer("http://www.w3.org/", "", "https://scripts.sil.org", "").Replace(string(a.body))
			if !strings.HasSuffix(name, "licences.txt") && !strings.HasSuffix(name, ".woff2") && strings.Contains(text, host) {
				t.Errorf("%s names another host", name)
			}
		}
	}
	t.Logf("JavaScript on first load: %.1f KiB gzipped", float64(scripts)/1024)
	if scripts == 0 || scripts > 60<<10 {
		t.Errorf("JavaScript on first load is %d bytes gzipped, the budget is 60 KiB", scripts)
	}
}

// stream reads events of a stream until ctx ends.
func stream(ctx context.Context, t *testing.T, url, lastID string) <-chan [3]string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || !strings.HasPrefix(kind, "text/event-stream") {
		t.Fatalf("stream: %d %s", resp.StatusCode, kind)
	}
	out := make(chan [3]string, 64) // event, id, data
	go func() {
		defer close(out)
		defer resp.Body.Close()
		var e [3]string
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e[0] = value
			case "id":
				e[1] = value
			case "data":
				e[2] = value
				out <- e
				e = [3]string{}
			}
		}
	}()
	return out
}

func next(t *testing.T, events <-chan [3]string) [3]string {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the stream ended")
		}
		return e
	case <-time.After(5 * time.Second):
		t.Fatal("no event")
	}
	return [3]string{}
}

// scripted is a feed whose state the test moves.
type scripted struct {
	*fixture
	mu      sync.Mutex
	asOf    int64
	details int
	viewers int
}

func (f *scripted) snapshot(now time.Time) Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.fixture.snapshot(now)
	s.AsOfMs = f.asOf
	return s
}

func (f *scripted) detail(ctx context.Context, id string) (CampaignDetail, error) {
	f.mu.Lock()
	f.details++
	f.mu.Unlock()
	return f.fixture.detail(ctx, id)
}

func (f *scripted) watched(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.viewers = n
}

func (f *scripted) move() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asOf++
}

func (f *scripted) seen() (details, viewers int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.details, f.viewers
}

// serveScripted runs a server over a feed that the test moves.
func serveScripted(t *testing.T, o Options) (*scripted, *Server, string) {
	t.Helper()
	o.Fixture, o.Listen = true, "127.0.0.1:0"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	f := &scripted{fixture: s.feed.(*fixture), asOf: 1}
	s.feed, s.details.feed = f, f
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	url := "http://" + s.Addr()
	waitReady(t, url)
	return f, s, url
}

// TestStream: a state, then changes; a reconnect gets what it missed, or a new state when the server is another one.
func TestStream(t *testing.T) {
	f, _, url := serveScripted(t, Options{})
	ctx, leave := context.WithCancel(t.Context())
	events := stream(ctx, t, url+"/api/stream", "")
	first := next(t, events)
	if first[0] != "snapshot" || !strings.Contains(first[1], "-") {
		t.Fatalf("first %v", first[:2])
	}
	f.move()
	second := next(t, events)
	var d delta
	if err := json.Unmarshal([]byte(second[2]), &d); err != nil || second[0] != "delta" || d.AsOfMs != 2 || len(second[2]) > 400 {
		t.Fatalf("second %v %v", second, err)
	}
	leave()
	f.move()
	time.Sleep(2 * publishEvery)
	ctx, leave = context.WithCancel(t.Context())
	defer leave()
	if e := next(t, stream(ctx, t, url+"/api/stream", second[1])); e[0] != "delta" {
		t.Errorf("a reconnect got %q", e[0])
	}
	if e := next(t, stream(ctx, t, url+"/api/stream", "other-1")); e[0] != "snapshot" {
		t.Errorf("a reconnect from another server got %q", e[0])
	}
}

// TestViewersShareOnePage: goal, that fifty viewers of one campaign cost as much as one, and nobody costs nothing.
func TestViewersShareOnePage(t *testing.T) {
	f, _, url := serveScripted(t, Options{})
	ctx, leave := context.WithCancel(t.Context())
	for range 50 {
		events := stream(ctx, t, url+"/api/stream?campaign=coffee-week", "")
		for e := next(t, events); e[0] != "campaign"; {
			e = next(t, events)
		}
	}
	details, viewers := f.seen()
	if viewers != 50 || details > 3 {
		t.Errorf("%d viewers made the page %d times", viewers, details)
	}
	leave()
	for range 100 {
		if _, viewers = f.seen(); viewers == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	before, _ := f.seen()
	time.Sleep(refreshEvery + refreshEvery/4)
	if after, _ := f.seen(); viewers != 0 || after != before {
		t.Errorf("%d viewers are left and the page was made %d more times", viewers, after-before)
	}
}

// TestTooManyViewers: the limit answers with a problem instead of taking on more than it can serve.
func TestTooManyViewers(t *testing.T) {
	_, _, url := serveScripted(t, Options{MaxViewers: 1})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	next(t, stream(ctx, t, url+"/api/stream", ""))
	if resp, body := get(t, url+"/api/stream"); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "too many viewers") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// TestNeedsBrokers: options that cannot work are refused at once, and a taken port says so.
func TestNeedsBrokers(t *testing.T) {
	if _, err := New(Options{Listen: "127.0.0.1:0"}); err == nil || !strings.Contains(err.Error(), "brokers") {
		t.Errorf("got %v", err)
	}
	s, _ := serve(t, Options{Fixture: true})
	if _, err := New(Options{Listen: s.Addr(), Fixture: true}); err == nil || !strings.Contains(err.Error(), s.Addr()) {
		t.Errorf("got %v, want an error that names the address", err)
	}
}
