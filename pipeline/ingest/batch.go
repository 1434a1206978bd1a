package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cagnotte/pipeline/retail"
)

// result is one receipt's part of a batch's answer.
type result struct {
	Line      int         `json:"line"` // of the NDJSON text, or position in the array; from 1
	ReceiptID string      `json:"receipt_id,omitempty"`
	Status    string      `json:"status"`
	Code      retail.Code `json:"code,omitempty"`
	Errors    []finding   `json:"errors,omitempty"`
	Warnings  []finding   `json:"warnings,omitempty"`
	verdict   verdict
	sameAs    int // index of the result whose receipt it repeats, -1 when none
}

// batchAnswer is the body of a batch's answer: the counts, then one result per receipt in the order they came.
type batchAnswer struct {
	Accepted  int      `json:"accepted"`
	Duplicate int      `json:"duplicate"`
	Refused   int      `json:"refused"`
	Retry     int      `json:"retry"`
	Results   []result `json:"results"`
	TraceID   string   `json:"trace_id,omitempty"`
}

// piece is one receipt's text in a batch.
type piece struct {
	line int
	text []byte
}

// postBatch takes many receipts. Good ones are kept whatever the others are; the answer waits for all acknowledgements.
func (s *Server) postBatch(w http.ResponseWriter, r *http.Request) {
	kind, wk, ok := s.readForm(w, r, jsonOrLines)
	if !ok {
		return
	}
	defer s.put(wk)
	pieces, pr := split(kind, wk.body)
	if pr != nil {
		status := http.StatusBadRequest
		if pr.Code == retail.CodeTooLarge {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, r, status, pr.Code, pr)
		return
	}
	results, lastErr := s.takeAll(r, wk, pieces)
	out := batchAnswer{Results: results, TraceID: traceID(r.Header)}
	out.count()
	if out.Retry == len(results) { // nothing was stored and nothing was refused: the whole call can come again
		s.failDelivery(w, r, lastErr)
		return
	}
	if out.Retry > 0 {
		status, _ := delivery(lastErr)
		retryAfter(w, status)
		s.opts.Logger.Warn("ingest: part of a batch not stored", "error", lastErr, "receipts", out.Retry)
	}
	reply(w, http.StatusOK, out)
}

func (b *batchAnswer) count() {
	for i := range b.Results {
		switch b.Results[i].Status {
		case statusAccepted:
			b.Accepted++
		case statusDuplicate:
			b.Duplicate++
		case statusRetry:
			b.Retry++
		default:
			b.Refused++
		}
	}
}

// ack is Kafka's answer for the result at index.
type ack struct {
	index int
	err   error
}

// takeAll checks and produces every piece, then waits. lastErr is the last failure of Kafka.
func (s *Server) takeAll(r *http.Request, wk *work, pieces []piece) (results []result, lastErr error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.AckTimeout)
	defer cancel()
	results = make([]result, len(pieces))
	here := make(map[string]int, len(pieces)) // receipt id -> first result with it
	acks := make(chan ack, len(pieces))       // room for all, so that a late one never blocks the client
	waiting := 0
	for i, p := range pieces {
		if s.takeOne(&results[i], wk, p, here, i, results) {
			s.produce(ctx, r.Header, wk, results[i].verdict, func(err error) { acks <- ack{i, err} })
			waiting++
		}
	}
	lastErr = collect(ctx, results, acks, waiting)
	for i := range results {
		if first := results[i].sameAs; first >= 0 {
			results[i].repeat(&results[first])
		}
	}
	return results, lastErr
}

// takeOne fills the result of one piece and reports whether it is to be produced.
func (s *Server) takeOne(res *result, wk *work, p piece, here map[string]int, i int, results []result) bool {
	res.Line, res.sameAs = p.line, -1
	v := s.judge(p.text, wk)
	res.ReceiptID = strings.Clone(string(wk.receipt.ID))
	if v.problem != nil {
		if res.ReceiptID == "" {
			res.ReceiptID = idOf(p.text)
		}
		res.refuse(v.problem)
		return false
	}
	res.Warnings, res.verdict = v.warnings, v
	if v.duplicate {
		res.Status = statusDuplicate
		return false
	}
	first, again := here[res.ReceiptID]
	if !again {
		here[res.ReceiptID] = i
		return true
	}
	if results[first].verdict.hash != v.hash {
		res.refuse(conflict(&wk.receipt))
		return false
	}
	res.sameAs = first
	return false
}

func (r *result) refuse(pr *retail.Problem) {
	r.Status, r.Code, r.Errors, r.Warnings = statusRefused, pr.Code, []finding{newFinding(pr)}, nil
}

// settle records Kafka's answer.
func (r *result) settle(err error) {
	if err == nil {
		r.Status = statusAccepted
		return
	}
	status, pr := delivery(err)
	r.refuse(pr)
	if status != http.StatusRequestEntityTooLarge {
		r.Status = statusRetry
	}
}

// repeat gives a receipt that comes twice in a batch the fate of the first.
func (r *result) repeat(first *result) {
	r.Status, r.Code, r.Errors = first.Status, first.Code, first.Errors
	if first.Status == statusAccepted {
		r.Status = statusDuplicate
	}
}

// collect waits for the acknowledgements that are due; those that do not come in time are to be sent again.
func collect(ctx context.Context, results []result, acks <-chan ack, waiting int) (lastErr error) {
	for ; waiting > 0; waiting-- {
		select {
		case a := <-acks:
			results[a.index].settle(a.err)
			if a.err != nil {
				lastErr = a.err
			}
		case <-ctx.Done():
			for i := range results {
				if results[i].Status == "" && results[i].sameAs < 0 {
					results[i].settle(ctx.Err())
				}
			}
			return ctx.Err()
		}
	}
	return lastErr
}

// idOf finds the id of a refused receipt, so that its sender can tell which one it was; "" when it cannot be found.
func idOf(text []byte) string {
	var r struct {
		ID string `json:"receipt_id"`
	}
	if err := json.Unmarshal(text, &r); err != nil || len(r.ID) > 128 {
		return ""
	}
	return r.ID
}

// split cuts a batch into receipts without looking into them.
func split(kind form, body []byte) ([]piece, *retail.Problem) {
	var pieces []piece
	var pr *retail.Problem
	if kind == ndjson {
		pieces = splitLines(body)
	} else if pieces, pr = splitArray(body); pr != nil {
		return nil, pr
	}
	if len(pieces) == 0 {
		return nil, &retail.Problem{Code: retail.CodeSchema, Observed: "no receipt", Expected: "at least one", Hint: "send a JSON array of receipts, or one receipt per line"}
	}
	if len(pieces) > MaxBatch {
		return nil, &retail.Problem{Code: retail.CodeTooLarge, Observed: "more than " + strconv.Itoa(MaxBatch) + " receipts", Expected: "at most " + strconv.Itoa(MaxBatch), Hint: "send several batches"}
	}
	return pieces, nil
}

// splitLines cuts NDJSON; blank lines count as lines and hold no receipt. One piece more than allowed ends the work.
func splitLines(body []byte) []piece {
	var pieces []piece
	for line := 1; len(body) > 0 && len(pieces) <= MaxBatch; line++ {
		text, rest, _ := bytes.Cut(body, []byte{'\n'})
		body = rest
		if text = bytes.Trim(text, jsonSpace); len(text) > 0 {
			pieces = append(pieces, piece{line, text})
		}
	}
	return pieces
}

// jsonSpace is what JSON counts as white space: bytes.TrimSpace would also take a form feed off and call the rest valid.
const jsonSpace = " \t\r\n"

// splitArray cuts a JSON array. It must be valid as a whole, or there is no telling where its elements end.
func splitArray(body []byte) ([]piece, *retail.Problem) {
	body = bytes.Trim(body, jsonSpace)
	if len(body) == 0 || body[0] != '[' {
		return nil, &retail.Problem{Code: retail.CodeSchema, Observed: fmt.Sprintf("%.20q", body), Expected: "a JSON array", Hint: "one receipt alone goes to /v1/receipts, one per line needs Content-Type: application/x-ndjson"}
	}
	if err := json.Unmarshal(body, new([]json.RawMessage)); err != nil {
		return nil, malformed(err)
	}
	var pieces []piece
	inside := body[1 : len(body)-1]
	for len(inside) > 0 && len(pieces) <= MaxBatch {
		n := elementEnd(inside)
		if text := bytes.Trim(inside[:n], jsonSpace); len(text) > 0 {
			pieces = append(pieces, piece{len(pieces) + 1, text})
		}
		inside = inside[min(len(inside), n+1):]
	}
	return pieces, nil
}

func malformed(err error) *retail.Problem {
	observed := err.Error()
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		observed = fmt.Sprintf("%v at byte %d", syntax, syntax.Offset)
	}
	return &retail.Problem{Code: retail.CodeSchema, Observed: observed, Expected: "a JSON array of receipts", Hint: "one bad element spoils an array; NDJSON keeps the good lines"}
}

// elementEnd returns where the first element of valid JSON ends: at the next comma outside of strings and brackets, or at the end.
func elementEnd(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(b)
}
