package dashboards

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// need skips where a tool is missing, and fails where everything is mandatory.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CAGNOTTE_CI") == "1" {
		t.Fatalf("%s is mandatory here: %v", what, err)
	}
	t.Skipf("needs %s: %v", what, err)
}

// serve runs a server until the test ends and returns its URL.
func serve(t *testing.T, o Options) (*Server, string) {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not stop")
		}
	})
	return s, "http://" + s.Addr()
}

// TestPages: goal, that both pages work in a real browser, in both languages and themes, on small screens and by keyboard. Method: the fixture
// server and web/test/pages.mjs. CAGNOTTE_SCREENSHOTS keeps the pictures.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a browser, which -short leaves out")
	}
	node, err := exec.LookPath("node")
	need(t, "node", err)
	chromium := os.Getenv("CAGNOTTE_CHROMIUM")
	if chromium == "" {
		chromium = "/usr/bin/chromium"
	}
	_, err = os.Stat(chromium)
	need(t, "chromium (or its path in CAGNOTTE_CHROMIUM)", err)
	_, err = os.Stat(filepath.Join("web", "node_modules", "playwright-core"))
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("run npm ci in dashboards/web")
	}
	need(t, "playwright-core", err)

	_, url := serve(t, Options{Fixture: true})
	shots := os.Getenv("CAGNOTTE_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "test/pages.mjs", url, shots)
	cmd.Dir = "web"
	cmd.Env = append(os.Environ(), "CAGNOTTE_CHROMIUM="+chromium)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("pages: %v", err)
	}
}
