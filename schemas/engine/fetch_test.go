package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeNPM puts a shell script called npm, and nothing else that matters, on PATH.
func fakeNPM(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
	if _, err := os.Stat("/usr/bin/clickhouse"); err == nil {
		t.Skip("a clickhouse on PATH is used before npm")
	}
}

// archive writes an npm package with a library of the given content.
func archive(t *testing.T, library string) string {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for name, body := range map[string]string{"package/package.json": "{}", "package/libchdb.so": library} {
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "package.tgz")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// packScript answers `npm view` with versions and `npm pack` with an archive, after a pause; it notes each pack in log.
func packScript(versions, archive, log string) string {
	return `case "$1" in
view) echo '` + versions + `' ;;
pack) echo packed >> ` + log + `; sleep 0.2; while [ "$1" != --pack-destination ]; do shift; done; cp ` + archive + ` "$2/package.tgz"; echo '[{"filename":"package.tgz","integrity":"x"}]' ;;
esac
`
}

func options(cache string, progress io.Writer) *Options {
	return &Options{CacheDir: cache, Progress: progress, Logger: slog.New(slog.DiscardHandler)}
}

// Several processes that need the engine fetch it once, and see all of it or nothing. A pinned version that npm does not have is replaced by the
// newest of its line.
func TestFetchOnce(t *testing.T) {
	cache, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	fakeNPM(t, packScript(`["25.9.9","26.9.0","26.10.1-stable.1","27.0.0"]`, archive(t, "the library"), log))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			path, err := libraryPath(t.Context(), options(cache, io.Discard))
			if err != nil {
				t.Error(err)
				return
			}
			if body, err := os.ReadFile(path); err != nil || string(body) != "the library" || !strings.Contains(path, "26.10.1-stable.1") {
				t.Errorf("%s: %q, %v", path, body, err)
			}
		})
	}
	wg.Wait()
	// Without the pinned version in the cache each asks npm again, but a version that is there is not fetched a second time.
	packs, err := os.ReadFile(log)
	if err != nil || strings.Count(string(packs), "packed") != 1 {
		t.Errorf("packed %q, %v, want once", packs, err)
	}
}

// An archive that is not the published one is refused, and nothing of it stays.
func TestFetchChecksIntegrity(t *testing.T) {
	if pinnedIntegrity("@chdb/lib-linux-x64-gnu", pinnedVersion) == "" {
		t.Fatal("the pinned version has no checksum")
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the checksum is of linux/amd64")
	}
	cache := t.TempDir()
	fakeNPM(t, packScript(`["`+pinnedVersion+`"]`, archive(t, "something else"), filepath.Join(t.TempDir(), "log")))
	_, err := libraryPath(t.Context(), options(cache, io.Discard))
	if err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("got %v, want a complaint about the checksum", err)
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) != 1 || entries[0].Name() != ".lock" {
		t.Errorf("left in the cache: %v, %v", entries, err)
	}
}

// Each way to fail names its remedy, and tells a machine without an engine from a broken one.
func TestFetchErrors(t *testing.T) {
	for name, c := range map[string]struct {
		script      string
		want        string
		unavailable bool
	}{
		"no network":     {"echo 'npm error code ENOTFOUND' >&2; exit 1", "connect to the network", true},
		"not there":      {"echo 'npm error code E404' >&2; exit 1", "set npm's registry", true},
		"disk full":      {"echo 'npm error code ENOSPC' >&2; exit 1", "free some space", false},
		"anything else":  {"echo 'npm error the dog ate it' >&2; exit 1", "the dog ate it", false},
		"no such line":   {`echo '["1.0.0"]'`, "npm offers no version 26.", false},
		"not JSON":       {"echo hello", "list of versions", false},
		"pack says what": {`[ "$1" = view ] && echo '"26.1.0"' || echo hello`, "unexpected answer", false},
	} {
		t.Run(name, func(t *testing.T) {
			fakeNPM(t, c.script)
			_, err := libraryPath(t.Context(), options(t.TempDir(), io.Discard))
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrUnavailable) != c.unavailable {
				t.Errorf("got %v, want %q, unavailable %v", err, c.want, c.unavailable)
			}
		})
	}
	t.Run("no npm", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := libraryPath(t.Context(), options(t.TempDir(), io.Discard))
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "install Node.js") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("old one in the cache", func(t *testing.T) {
		fakeNPM(t, "echo 'npm error code ENOTFOUND' >&2; exit 1")
		cache := t.TempDir()
		old := filepath.Join(cache, "26.2.0")
		if err := errors.Join(os.Mkdir(old, 0o755), os.WriteFile(filepath.Join(old, "libchdb.so"), nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		path, err := libraryPath(t.Context(), options(cache, io.Discard))
		if err != nil || path != filepath.Join(old, "libchdb.so") {
			t.Errorf("got %s, %v, want the one in the cache", path, err)
		}
	})
}

// A lock that its holder keeps is waited for, no longer than asked, and says who holds it.
func TestLockIsBounded(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := lockDir(dir, 200*time.Millisecond); err == nil || !strings.Contains(err.Error(), lockBusy) {
		t.Errorf("got %v, want %q", err, lockBusy)
	}
	if d := time.Since(began); d < 150*time.Millisecond || d > 5*time.Second {
		t.Errorf("waited %v, want about 200 ms", d)
	}
	unlock()
	again, err := lockDir(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
