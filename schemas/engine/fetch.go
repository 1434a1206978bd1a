package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// program is what serves: a shared library that this executable loads, or a `clickhouse` executable.
type program struct {
	Path    string `json:"path"`
	Library bool   `json:"library"`
}

// ErrUnavailable marks errors of a machine that has no engine and cannot get one: no npm, no network, no package for its platform.
var ErrUnavailable = errors.New("no ClickHouse engine available")

// The version of the library that the product is tested with, and the release line that may stand in for it.
const (
	pinnedVersion = "26.7.3-stable.1"
	releaseLine   = "26."
	// fetchBytes is what a fetch needs on disk at its peak: the archive and the unpacked library.
	fetchBytes = 900 << 20
)

// npmPackages names the library's package by GOOS/GOARCH.
func npmPackage() (name, file string, err error) {
	names := map[string]string{
		"linux/amd64": "lib-linux-x64-gnu", "linux/arm64": "lib-linux-arm64-gnu",
		"darwin/amd64": "lib-darwin-x64", "darwin/arm64": "lib-darwin-arm64",
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if names[platform] == "" {
		return "", "", fmt.Errorf("start engine: %w: none is published for %s: use --clickhouse-addr with a ClickHouse server, or put `clickhouse` on PATH", ErrUnavailable, platform)
	}
	return "@chdb/" + names[platform], "libchdb.so", nil // .so on every platform
}

// locate finds what to run: the given binary, `clickhouse` on PATH, the library in the cache, or the library from npm.
func locate(ctx context.Context, opts *Options) (program, error) {
	if opts.Binary != "" {
		if _, err := os.Stat(opts.Binary); err != nil {
			return program{}, fmt.Errorf("start engine: %w: give the path of `clickhouse` or of libchdb, or none", err)
		}
		return program{Path: opts.Binary, Library: isLibrary(opts.Binary)}, nil
	}
	if path, err := exec.LookPath("clickhouse"); err == nil {
		return program{Path: path}, nil
	}
	path, err := libraryPath(ctx, opts)
	return program{Path: path, Library: true}, err
}

func isLibrary(path string) bool {
	return strings.HasSuffix(path, ".so") || strings.HasSuffix(path, ".dylib")
}

// libraryPath returns the cached library, and fetches it first when there is none. One process fetches, the others wait for it.
func libraryPath(ctx context.Context, opts *Options) (string, error) {
	pkg, file, err := npmPackage()
	if err != nil {
		return "", err
	}
	cache, err := cacheDir(opts.CacheDir)
	if err != nil {
		return "", err
	}
	if path := filepath.Join(cache, pinnedVersion, file); exists(path) {
		return path, nil
	}
	unlock, err := lockCache(ctx, cache, opts.Progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if path := filepath.Join(cache, pinnedVersion, file); exists(path) {
		return path, nil
	}
	path, err := fetch(ctx, fetchPlan{pkg: pkg, file: file, cache: cache, progress: opts.Progress})
	if err == nil {
		return path, nil
	}
	if old := newestCached(cache, file); old != "" {
		opts.Logger.Warn("engine: using another version than the pinned one", "library", old, "pinned", pinnedVersion, "error", err)
		return old, nil
	}
	return "", err
}

func cacheDir(dir string) (string, error) {
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("start engine: %w: set HOME, or name a cache directory", err)
		}
		dir = filepath.Join(base, "cagnotte", "engine")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("start engine: %w: choose a cache directory that can be written", err)
	}
	return dir, nil
}

// lockCache waits, bounded by ctx, until no other process fetches.
func lockCache(ctx context.Context, cache string, progress io.Writer) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(cache, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start engine: %w: choose a cache directory that can be written", err)
	}
	for said := false; ; said = true {
		err := tryLock(f)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, errLocked) {
			f.Close()
			return nil, fmt.Errorf("start engine: lock the cache: %w", err)
		}
		if !said {
			fmt.Fprintln(progress, "engine: another process is fetching it, waiting")
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("start engine: waiting for another process to fetch it: %w", ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newestCached returns the library of the highest cached version of the release line, or "".
func newestCached(cache, file string) string {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return ""
	}
	var versions []string
	for _, e := range entries {
		if exists(filepath.Join(cache, e.Name(), file)) {
			versions = append(versions, e.Name())
		}
	}
	if v := newest(versions); v != "" {
		return filepath.Join(cache, v, file)
	}
	return ""
}

// newest returns the highest version of the release line, or "" when there is none.
func newest(versions []string) string {
	line := slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return !strings.HasPrefix(v, releaseLine) })
	if len(line) == 0 {
		return ""
	}
	return slices.MaxFunc(line, func(a, b string) int { return slices.Compare(versionParts(a), versionParts(b)) })
}

func versionParts(v string) []int {
	v, _, _ = strings.Cut(v, "-")
	var parts []int
	for p := range strings.SplitSeq(v, ".") {
		n, _ := strconv.Atoi(p)
		parts = append(parts, n)
	}
	return parts
}

// availableVersions asks npm what it offers.
func availableVersions(ctx context.Context, pkg string) ([]string, error) {
	out, err := npm(ctx, "view", pkg, "versions", "--json")
	if err != nil {
		return nil, err
	}
	var versions []string
	if err := json.Unmarshal(out, &versions); err != nil {
		var only string // npm prints a lone version as a string
		if json.Unmarshal(out, &only) != nil {
			return nil, fmt.Errorf("start engine: npm's list of versions: %w", err)
		}
		versions = []string{only}
	}
	return versions, nil
}

// npm runs npm and returns its standard output. The error carries the remedy.
func npm(ctx context.Context, args ...string) ([]byte, error) {
	path, err := exec.LookPath("npm")
	if err != nil {
		return nil, fmt.Errorf("start engine: %w: npm is not on PATH: install Node.js 20 or later, or put `clickhouse` on PATH, or use --clickhouse-addr with a ClickHouse server", ErrUnavailable)
	}
	var stderr tailBuffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, npmError(ctx, args[0], err, stderr.String())
	}
	return out, nil
}

func npmError(ctx context.Context, verb string, err error, stderr string) error {
	var code string
	for line := range strings.Lines(stderr) {
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "npm error code "); ok {
			code = c
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("start engine: npm %s: %w", verb, ctx.Err())
	case slices.Contains([]string{"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH"}, code):
		return fmt.Errorf("start engine: %w: npm cannot reach its registry (%s): connect to the network, or set npm's registry or proxy, or put `clickhouse` on PATH", ErrUnavailable, code)
	case code == "ENOSPC":
		return errors.New("start engine: the disk is full: free some space, or choose another cache directory")
	case code == "E404" || code == "ETARGET":
		return fmt.Errorf("start engine: %w: npm's registry does not have it (%s): set npm's registry, or put `clickhouse` on PATH", ErrUnavailable, code)
	}
	return fmt.Errorf("start engine: npm %s: %w: %s", verb, err, lastLines(strings.TrimSpace(stderr), 4))
}
