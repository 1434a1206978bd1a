package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// form is how a body holds its receipts.
type form int

const (
	oneJSON form = iota
	ndjson
)

// jsonOnly accepts one JSON text.
func jsonOnly(mediaType string) (form, bool) {
	return oneJSON, mediaType == "application/json" || mediaType == ""
}

// jsonOrLines accepts a JSON array or one receipt per line.
func jsonOrLines(mediaType string) (form, bool) {
	switch mediaType {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return ndjson, true
	}
	return jsonOnly(mediaType)
}

// read takes the request's body, decompressed, into memory of its own. When it cannot, it has answered and ok is false.
func (s *Server) read(w http.ResponseWriter, r *http.Request, accept func(string) (form, bool)) (wk *work, ok bool) {
	_, wk, ok = s.readForm(w, r, accept)
	return wk, ok
}

func (s *Server) readForm(w http.ResponseWriter, r *http.Request, accept func(string) (form, bool)) (form, *work, bool) {
	mediaType, ok := mediaTypeOf(r.Header)
	kind, accepted := accept(mediaType)
	if !ok || !accepted {
		fail(w, r, http.StatusUnsupportedMediaType, CodeMediaType, &retail.Problem{Observed: r.Header.Get("Content-Type"), Expected: "application/json (a batch: application/x-ndjson too)",
			Hint: "add -H 'Content-Type: application/json'"})
		return kind, nil, false
	}
	// Not every ResponseWriter has deadlines; where there is none, the server's own timeouts hold.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	limited := http.MaxBytesReader(w, r.Body, s.opts.MaxBodyBytes)
	plain, err := decompress(r.Header.Get("Content-Encoding"), limited, s.opts.MaxBodyBytes)
	if errors.Is(err, errEncoding) {
		w.Header().Set("Accept-Encoding", "gzip, zstd")
		fail(w, r, http.StatusUnsupportedMediaType, CodeEncoding, &retail.Problem{Observed: r.Header.Get("Content-Encoding"), Expected: "gzip, zstd or none", Hint: "compress with gzip or zstd, once"})
		return kind, nil, false
	}
	wk := s.get()
	if err == nil {
		wk.body, err = readAll(wk.body[:0], plain, s.opts.MaxBodyBytes)
		err = errors.Join(err, plain.Close())
	}
	if err != nil {
		s.put(wk)
		failBody(w, r, err, s.opts.MaxBodyBytes)
		return kind, nil, false
	}
	return kind, wk, true
}

func mediaTypeOf(h http.Header) (string, bool) {
	raw := h.Get("Content-Type")
	if raw == "" {
		return "", true
	}
	mediaType, params, err := mime.ParseMediaType(raw)
	if charset := params["charset"]; charset != "" && charset != "utf-8" && charset != "UTF-8" {
		return mediaType, false
	}
	return mediaType, err == nil
}

var (
	errEncoding = errors.New("unsupported content encoding")
	errTooLarge = errors.New("body is too large")
)

// decompress wraps the body by its Content-Encoding. Memory for zstd's window is bounded like the body.
func decompress(encoding string, body io.Reader, limit int64) (io.ReadCloser, error) {
	switch encoding {
	case "", "identity":
		return io.NopCloser(body), nil
	case "gzip", "x-gzip":
		return gzip.NewReader(body)
	case "zstd":
		d, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderMaxWindow(8<<20))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, errEncoding
}

// readAll appends the reader's bytes, at most limit of them.
func readAll(dst []byte, r io.Reader, limit int64) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = errTooLarge
	}
	return buf.Bytes(), err
}

func failBody(w http.ResponseWriter, r *http.Request, err error, limit int64) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, errTooLarge) || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		fail(w, r, http.StatusRequestEntityTooLarge, retail.CodeTooLarge, &retail.Problem{Observed: "a larger body", Expected: "at most " + strconv.FormatInt(limit, 10) + " bytes, compressed and not",
			Hint: "send smaller batches"})
		return
	}
	fail(w, r, http.StatusBadRequest, CodeBody, &retail.Problem{Observed: fmt.Sprintf("%.80s", err.Error()), Expected: "a whole body in its Content-Encoding", Hint: "check the compression and the connection"})
}
