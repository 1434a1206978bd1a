package engine

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// fetchPlan is one fetch of the library.
type fetchPlan struct {
	pkg, file, cache string
	progress         io.Writer
}

// pinnedIntegrity is the checksum of the pinned version's archive, as npm publishes it. Other platforms trust npm's own check.
func pinnedIntegrity(pkg, version string) string {
	if pkg == "@chdb/lib-linux-x64-gnu" && version == "26.7.3-stable.1" {
		return "sha512-XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
	}
	return ""
}

// fetch gets the pinned version, or else the newest of its release line, and moves it into the cache in one step.
func fetch(ctx context.Context, p fetchPlan) (string, error) {
	if free, err := freeBytes(p.cache); err == nil && free < fetchBytes {
		return "", fmt.Errorf("start engine: fetching the engine needs %d MB in %s, %d MB are free: free some space, or choose another cache directory",
			fetchBytes>>20, p.cache, free>>20)
	}
	versions, err := availableVersions(ctx, p.pkg)
	if err != nil {
		return "", err
	}
	version := pinnedVersion
	if !slices.Contains(versions, version) {
		version = newest(versions)
	}
	if version == "" {
		return "", fmt.Errorf("start engine: npm offers no version %sx of %s: put `clickhouse` on PATH, or use --clickhouse-addr", releaseLine, p.pkg)
	}
	if path := filepath.Join(p.cache, version, p.file); exists(path) {
		return path, nil // another process has just put it there, or the pinned version is not to be had
	}
	temp, err := os.MkdirTemp(p.cache, ".fetch-")
	if err != nil {
		return "", fmt.Errorf("start engine: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := p.fetchInto(ctx, temp, version); err != nil {
		return "", err
	}
	return p.publish(temp, version)
}

// publish renames the complete directory into place, so that a reader sees all of it or nothing.
func (p fetchPlan) publish(temp, version string) (string, error) {
	final := filepath.Join(p.cache, version)
	if err := os.RemoveAll(final); err != nil { // left over from an interrupted removal: it has no library
		return "", fmt.Errorf("start engine: %w", err)
	}
	if err := os.Rename(temp, final); err != nil {
		return "", fmt.Errorf("start engine: %w", err)
	}
	if err := os.Chmod(final, 0o755); err != nil {
		return "", fmt.Errorf("start engine: %w", err)
	}
	fmt.Fprintf(p.progress, "engine: ready in %s\n", final)
	return filepath.Join(final, p.file), nil
}

// fetchInto downloads the package's archive (npm checks it) and unpacks the library from it.
func (p fetchPlan) fetchInto(ctx context.Context, dir, version string) error {
	fmt.Fprintf(p.progress, "engine: fetching ClickHouse (%s %s, about 160 MB, once)\n", p.pkg, version)
	stop := p.report(dir)
	out, err := npm(ctx, "pack", p.pkg+"@"+version, "--json", "--prefer-offline", "--pack-destination", dir)
	stop()
	if err != nil {
		return err
	}
	var packed []struct{ Filename, Integrity string }
	if err := json.Unmarshal(out, &packed); err != nil || len(packed) != 1 {
		return fmt.Errorf("start engine: npm pack: unexpected answer %q", lastLines(string(out), 3))
	}
	archive := filepath.Join(dir, filepath.Base(packed[0].Filename))
	if err := checkIntegrity(archive, pinnedIntegrity(p.pkg, version)); err != nil {
		return err
	}
	fmt.Fprintln(p.progress, "engine: unpacking")
	if err := p.unpack(ctx, archive, filepath.Join(dir, p.file)); err != nil {
		return fmt.Errorf("start engine: unpack %s: %w", p.pkg, err)
	}
	return os.Remove(archive)
}

// report prints a line every few seconds until the returned function is called.
func (p fetchPlan) report(dir string) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(3 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintf(p.progress, "engine: fetching, %d s\n", int(time.Since(began).Seconds()))
			}
		}
	}()
	return func() { close(done); <-ended }
}

// checkIntegrity compares a file with a Subresource Integrity checksum; an empty one is not checked.
func checkIntegrity(path, want string) error {
	if want == "" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	defer f.Close()
	h := sha512.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("start engine: the fetched archive has checksum %s, want %s: check npm's registry, it does not serve the published package", got, want)
	}
	return nil
}

// maxLibraryBytes bounds what is unpacked.
const maxLibraryBytes = 2 << 30

func (p fetchPlan) unpack(ctx context.Context, archive, target string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s is not in the archive", p.file)
		}
		if err != nil {
			return err
		}
		if filepath.Base(h.Name) == p.file {
			return writeAll(ctx, target, io.LimitReader(tr, maxLibraryBytes))
		}
	}
}

// writeAll writes a file and syncs it, so that the rename that follows cannot outlive the content.
func writeAll(ctx context.Context, path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, ctxReader{ctx, r})
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// ctxReader ends a copy when its context does.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

// Read fails once the context has ended.
func (c ctxReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}
