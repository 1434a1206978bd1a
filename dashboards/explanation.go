package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/explain"
	"cagnotte/pipeline/explain/evidence"
	"cagnotte/pipeline/retail"
)

// Codes of the explanations API. The first two mean what they mean at the door for receipts.
const (
	codeBusy        = "API-0005" // too much under way: come back
	codeUnavailable = "API-0006" // ClickHouse does not answer: come back
	codeUnknown     = "API-0008" // no such receipt
	codeParameter   = "API-0009" // a parameter has no such value
)

const (
	maxExplanations = 8 // under way at once
	maxIDBytes      = 128
)

// explanations answers what became of a receipt. Safe for concurrent use.
type explanations struct {
	words  *explain.Explainer
	reader *evidence.Reader
	slots  chan struct{}
	facts  func(context.Context, retail.ReceiptID) (*explain.Facts, error)
}

// newExplanations returns nil where there is no ClickHouse to ask.
func newExplanations(o *Options) (*explanations, error) {
	if o.Fixture || o.ClickHouseAddr == "" {
		return nil, nil
	}
	words, err := explain.New()
	if err != nil {
		return nil, err
	}
	reader, err := evidence.Open(evidence.Options{Addr: o.ClickHouseAddr, Timeout: queryTimeout})
	if err != nil {
		return nil, err
	}
	x := &explanations{words: words, reader: reader, slots: make(chan struct{}, maxExplanations)}
	x.facts = func(ctx context.Context, id retail.ReceiptID) (*explain.Facts, error) {
		return reader.Facts(ctx, id, time.Now())
	}
	return x, nil
}

func (x *explanations) close() {
	if x != nil && x.reader != nil {
		_ = x.reader.Close() // nothing is written through it
	}
}

// serveExplanation answers GET /v1/receipts/{id}/explanation?lang=fr|en.
func (s *Server) serveExplanation(w http.ResponseWriter, r *http.Request) {
	x, id, lang := s.explain, r.PathValue("id"), language(r)
	switch {
	case x == nil:
		problem(w, http.StatusNotFound, "not here", "explanations need ClickHouse, and this server was started without")
		return
	case len(id) > maxIDBytes:
		refuse(w, http.StatusBadRequest, codeParameter, "no such receipt_id", fault{Path: "/id", Observed: strconv.Itoa(len(id)) + " bytes", Expected: "at most " + strconv.Itoa(maxIDBytes) + " bytes"})
		return
	case lang != explain.French && lang != explain.English:
		refuse(w, http.StatusBadRequest, codeParameter, "no such language", fault{Path: "/lang", Observed: lang, Expected: "fr or en"})
		return
	}
	select {
	case x.slots <- struct{}{}:
		defer func() { <-x.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, codeBusy, "too much under way, try again", fault{Observed: "a full house", Expected: "room for one more", Hint: "ask again after Retry-After seconds"})
		return
	}
	s.answerExplanation(w, r, x, retail.ReceiptID(id), lang)
}

func (s *Server) answerExplanation(w http.ResponseWriter, r *http.Request, x *explanations, id retail.ReceiptID, lang string) {
	facts, err := x.facts(r.Context(), id)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.log.Warn("explanation failed", "error", err)
		}
		w.Header().Set("Retry-After", "5")
		refuse(w, http.StatusServiceUnavailable, codeUnavailable, "the explanation could not be read, try again", fault{Observed: "no answer from ClickHouse", Expected: "an answer", Hint: "ask again after Retry-After seconds"})
		return
	}
	said, err := x.words.Explain(facts, lang)
	if err != nil {
		refuse(w, http.StatusBadRequest, codeParameter, "no such language", fault{Path: "/lang", Observed: lang, Expected: "fr or en"})
		return
	}
	if said.Status == explain.Unknown {
		refuse(w, http.StatusNotFound, codeUnknown, "no such receipt", fault{Path: "/id", Observed: string(id), Expected: "the receipt_id of a receipt that was sent", Hint: said.Summary[0]})
		return
	}
	data, err := json.Marshal(said)
	if err != nil { // numbers, texts and lists of them always marshal
		problem(w, http.StatusInternalServerError, "the answer could not be written", err.Error())
		return
	}
	w.Header().Set("Content-Language", lang)
	answer(w, data)
}

// language is the one asked for: by parameter, else French for a browser that prefers it, else English.
func language(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang != "" {
		return lang
	}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), explain.French) {
		return explain.French
	}
	return explain.English
}

// fault is what a problem document says about the request, as at the door for receipts.
type fault struct {
	Code     string `json:"code"`
	Path     string `json:"path"`
	Detail   string `json:"detail"`
	Observed string `json:"observed"`
	Expected string `json:"expected"`
	Hint     string `json:"hint,omitempty"`
}

// refuse answers by RFC 9457, in the form of the door for receipts.
func refuse(w http.ResponseWriter, status int, code, title string, f fault) {
	f.Code, f.Detail = code, title
	body := map[string]any{
		"type": "urn:cagnotte:problem:" + strings.ToLower(code), "title": title, "status": status, "code": code, "errors": []fault{f},
		"detail": "observed " + f.Observed + ", expected " + f.Expected,
	}
	data, err := json.Marshal(body)
	if err != nil { // texts always marshal
		http.Error(w, title, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a viewer that left is no error of ours
}
