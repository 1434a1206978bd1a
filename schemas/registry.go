package schemas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// Registry is a schema registry inside this process, for one machine: it speaks the usual HTTP API on a loopback port, keeps its schemas in a
// JSON file, and only ever adds. Schemas of one subject must be compatible both ways with all earlier ones. Safe for concurrent use.
type Registry struct {
	inner http.Handler
	path  string // empty: memory only
	url   string
	srv   *http.Server

	mu    sync.Mutex // one registration at a time, its file included
	saved []byte     // what the file holds
}

// StartRegistry starts a registry on a free loopback port. Its schemas live in the JSON file at path, which is created when it is missing; with
// an empty path they live in memory. Ids stay the same over restarts. One file belongs to one process at a time.
func StartRegistry(path string) (*Registry, error) {
	store := srfake.NewRegistry(srfake.WithGlobalCompat(sr.CompatFullTransitive))
	r := &Registry{inner: store.Handler(), path: path}
	if err := r.load(store); err != nil {
		return nil, fmt.Errorf("schema registry file %s: %w", path, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("schema registry: %w", err)
	}
	r.url = "http://" + listener.Addr().String()
	r.srv = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go r.serve(listener)
	return r, nil
}

func (r *Registry) serve(l net.Listener) {
	// Serve ends with ErrServerClosed on Close; any other end closes the listener, which clients see as an outage.
	_ = r.srv.Serve(l)
}

// URL returns the base address, http://127.0.0.1:port.
func (r *Registry) URL() string { return r.url }

// Close ends the server and waits for requests under way, three seconds at most. All registrations that were answered are in the file.
func (r *Registry) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := r.srv.Shutdown(ctx); err != nil {
		return errors.Join(err, r.srv.Close())
	}
	return nil
}

// load fills the store from the file, oldest first.
func (r *Registry) load(store *srfake.Registry) error {
	if r.path == "" {
		return nil
	}
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(filepath.Dir(r.path), 0o755)
	}
	if err != nil {
		return err
	}
	var list []sr.SubjectSchema
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("not a registry file, move it away to start with an empty one: %w", err)
	}
	r.saved = text
	return seed(store, list)
}

// seed puts the schemas back under their ids. The store gives the second subject of one schema the id it has, so only the first is seeded.
func seed(store *srfake.Registry, list []sr.SubjectSchema) error {
	seen := map[int]bool{}
	for _, s := range list {
		if _, err := avro.Parse(s.Schema.Schema); err != nil || s.ID < 1 || s.Version < 1 || s.Subject == "" {
			return fmt.Errorf("schema %d of %q version %d is damaged: %w", s.ID, s.Subject, s.Version, err)
		}
		if _, ok := store.GetSchema(s.Subject, s.Version); ok {
			return fmt.Errorf("%q version %d is there twice", s.Subject, s.Version)
		}
		if !seen[s.ID] {
			store.SeedSchema(s.Subject, s.Version, s.ID, s.Schema)
			seen[s.ID] = true
			continue
		}
		if id, version, err := store.RegisterSchema(s.Subject, s.Schema); err != nil || id != s.ID || version != s.Version {
			return fmt.Errorf("%q version %d came back as id %d version %d: %w", s.Subject, s.Version, id, version, err)
		}
	}
	return nil
}

// ServeHTTP answers reads from the store, and lets only compatible schemas in.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	post := req.Method == http.MethodPost
	switch {
	case post && len(path) == 3 && path[0] == "subjects" && path[2] == "versions":
		r.register(w, req, path[1])
	case post && len(path) >= 4 && path[0] == "compatibility" && path[1] == "subjects":
		r.check(w, req, path[2])
	case post && len(path) == 2 && path[0] == "subjects", req.Method == http.MethodGet:
		r.inner.ServeHTTP(w, req)
	default:
		answer(w, http.StatusMethodNotAllowed, map[string]any{"error_code": 405, "message": "this registry only adds schemas"})
	}
}

// register adds a schema and answers only once the file holds it.
func (r *Registry) register(w http.ResponseWriter, req *http.Request, subject string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, reasons, err := r.incompatible(w, req, subject)
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error_code": 42201, "message": "invalid schema: " + err.Error()})
		return
	}
	if len(reasons) > 0 {
		answer(w, http.StatusConflict, map[string]any{"error_code": 409, "message": "schema is incompatible with an earlier one: " + strings.Join(reasons, "; ")})
		return
	}
	rec := r.ask(http.MethodPost, req.URL.Path, body)
	if rec.Code == http.StatusOK {
		if err := r.save(); err != nil {
			answer(w, http.StatusInternalServerError, map[string]any{"error_code": 50001, "message": "schema registry file: " + err.Error()})
			return
		}
	}
	w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (r *Registry) check(w http.ResponseWriter, req *http.Request, subject string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, reasons, err := r.incompatible(w, req, subject)
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error_code": 42201, "message": "invalid schema: " + err.Error()})
		return
	}
	answer(w, http.StatusOK, sr.CheckCompatibilityResult{Is: len(reasons) == 0, Messages: reasons})
}

// incompatible reads the schema in the request and says why it does not go with those of the subject, both ways.
func (r *Registry) incompatible(w http.ResponseWriter, req *http.Request, subject string) (body []byte, reasons []string, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err != nil {
		return nil, nil, err
	}
	var candidate sr.Schema
	if err := json.Unmarshal(body, &candidate); err != nil {
		return nil, nil, err
	}
	if candidate.Type != sr.TypeAvro {
		return nil, nil, errors.New("only Avro schemas are kept here")
	}
	var all []sr.SubjectSchema
	if err := json.Unmarshal(r.ask(http.MethodGet, "/schemas", nil).Body.Bytes(), &all); err != nil {
		return nil, nil, err
	}
	var earlier []AvroSchema
	for _, s := range all {
		if s.Subject == subject {
			earlier = append(earlier, AvroSchema{Name: subject, Version: s.Version, Text: s.Schema.Schema})
		}
	}
	reasons, err = CheckCompatible(candidate.Schema, earlier)
	return body, reasons, err
}

// CheckCompatible says why a schema does not go with earlier ones, in both directions (FULL_TRANSITIVE); nil means that it does. An error means
// that a schema cannot be parsed.
func CheckCompatible(candidate string, earlier []AvroSchema) ([]string, error) {
	next, err := avro.Parse(candidate)
	if err != nil {
		return nil, err
	}
	var reasons []string
	for _, e := range earlier {
		old, err := avro.Parse(e.Text)
		if err != nil {
			return nil, fmt.Errorf("%s version %d: %w", e.Name, e.Version, err)
		}
		if err := avro.CheckCompatibility(old, next); err != nil {
			reasons = append(reasons, fmt.Sprintf("data of version %d cannot be read by the new schema: %v", e.Version, err))
		}
		if err := avro.CheckCompatibility(next, old); err != nil {
			reasons = append(reasons, fmt.Sprintf("data of the new schema cannot be read by version %d: %v", e.Version, err))
		}
	}
	return reasons, nil
}

// ask puts a request to the store itself.
func (r *Registry) ask(method, path string, body []byte) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r.inner.ServeHTTP(rec, httptest.NewRequest(method, path, bytes.NewReader(body)))
	return rec
}

// save writes the whole store to a new file, syncs it and renames it over the old one.
func (r *Registry) save() error {
	if r.path == "" {
		return nil
	}
	text := r.ask(http.MethodGet, "/schemas", nil).Body.Bytes()
	if bytes.Equal(text, r.saved) {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(r.path), filepath.Base(r.path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // nothing is left to remove after the rename
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), r.path)
	}
	if err == nil {
		r.saved = text
	}
	return err
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone away: nobody is left to tell
}
