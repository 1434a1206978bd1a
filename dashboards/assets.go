package dashboards

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The built web application: `npm ci && npm run build` in web/ makes it, and a check rebuilds it and compares.
//
//go:embed all:web/dist
var dist embed.FS

// asset is one file of the application, ready to be sent.
type asset struct {
	body, packed []byte // packed is nil when gzip does not help
	kind, tag    string
	immutable    bool // its name holds its content's hash
}

// assets holds the files by URL path. Immutable after loadAssets.
type assets map[string]asset

// loadAssets reads and packs the embedded files once.
func loadAssets() (assets, error) {
	root, err := fs.Sub(dist, "web/dist")
	if err != nil {
		return nil, fmt.Errorf("web application: %w", err)
	}
	all := assets{}
	err = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		a, err := newAsset(name, body)
		all["/"+name] = a
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("web application: %w", err)
	}
	if _, ok := all["/index.html"]; !ok {
		return nil, fmt.Errorf("web application: index.html is not in the binary: build it in dashboards/web")
	}
	return all, nil
}

func newAsset(name string, body []byte) (asset, error) {
	sum := sha256.Sum256(body)
	a := asset{body: body, kind: contentType(name), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, immutable: strings.HasPrefix(name, "assets/")}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return a, err
	}
	if _, err := z.Write(body); err != nil {
		return a, err
	}
	if err := z.Close(); err != nil {
		return a, err
	}
	if packed.Len() < len(body)*9/10 {
		a.packed = packed.Bytes()
	}
	return a, nil
}

// contentType does not trust the machine's own table of types.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP answers GET and HEAD for a file; a path without one is 404.
func (all assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		problem(w, http.StatusMethodNotAllowed, "method not allowed", "the pages are read only; receipts are sent to /v1/receipts")
		return
	}
	a, ok := all[r.URL.Path]
	if !ok {
		problem(w, http.StatusNotFound, "no such page", "the pages are / and /#/campaign/ID; files are under /assets/")
		return
	}
	a.serve(w, r)
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.tag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.body
	if a.packed != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a viewer that left is no error of ours
	}
}
