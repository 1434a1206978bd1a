package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"cagnotte/pipeline/retail"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Codes of the door itself, beside the RCP codes of receipts.
const (
	CodeMediaType   retail.Code = "API-0001" // Content-Type is none of those accepted
	CodeEncoding    retail.Code = "API-0002" // Content-Encoding is none of those accepted
	CodeMethod      retail.Code = "API-0003" // the path has another method
	CodeNoRoute     retail.Code = "API-0004" // no such path
	CodeBusy        retail.Code = "API-0005" // too much under way: come back
	CodeUnavailable retail.Code = "API-0006" // Kafka did not acknowledge: come back
	CodeBody        retail.Code = "API-0007" // the body could not be read or decompressed
)

// problem is RFC 9457's application/problem+json.
type problem struct {
	Type    string      `json:"type"`
	Title   string      `json:"title"`
	Status  int         `json:"status"`
	Detail  string      `json:"detail"`
	Code    retail.Code `json:"code"`
	Errors  []finding   `json:"errors"`
	TraceID string      `json:"trace_id,omitempty"`
}

// finding is one thing found in a body, as an error or as a warning.
type finding struct {
	Code     retail.Code `json:"code"`
	Path     string      `json:"path"` // JSON Pointer into the receipt
	Detail   string      `json:"detail"`
	Observed string      `json:"observed"`
	Expected string      `json:"expected"`
	Hint     string      `json:"hint,omitempty"`
}

func newFinding(pr *retail.Problem) finding {
	return finding{Code: pr.Code, Path: pr.Path, Detail: title(pr.Code), Observed: pr.Observed, Expected: pr.Expected, Hint: pr.Hint}
}

// title says in a sentence what a code means, the same for each occurrence.
func title(code retail.Code) string {
	if t, ok := titles()[code]; ok {
		return t
	}
	return "the receipt was refused"
}

func titles() map[retail.Code]string {
	return map[retail.Code]string{
		retail.CodeSchema: "not readable as a receipt", retail.CodeConflict: "this receipt_id was accepted with other content",
		retail.CodeCurrency: "not the programme's currency", retail.CodeTotal: "lines and discounts do not add up to the total",
		retail.CodeSign: "a sign contradicts the kind", retail.CodeTime: "closed in the future, or too long ago",
		retail.CodeVoidOriginal: "a VOID without its original", retail.CodeTooLarge: "too large", retail.CodeAmountRange: "an amount or quantity is out of range",
		retail.CodeDuplicateLine: "two lines with one number", retail.CodeGTIN: "the GTIN's check digit is wrong",
		retail.CodeRCN: "a restricted circulation number was sent as GTIN", retail.CodeVAT: "unknown VAT rate",
		retail.CodeEvent: "the event does not say what its kind needs", retail.CodeNoOriginal: "a RETURN without its original", retail.CodeUncategor: "neither category nor brand",
		CodeMediaType: "unsupported Content-Type", CodeEncoding: "unsupported Content-Encoding", CodeMethod: "method not allowed", CodeNoRoute: "no such resource",
		CodeBusy: "too much under way, try again", CodeUnavailable: "the receipt could not be stored, try again", CodeBody: "the body could not be read",
	}
}

// Statuses of an answer.
const (
	statusAccepted  = "accepted"
	statusDuplicate = "duplicate"
	statusValid     = "valid"
	statusRefused   = "refused" // will never be accepted as it is
	statusRetry     = "retry"   // not known to be stored: send it again
)

// answer is the body of a success.
type answer struct {
	ReceiptID string    `json:"receipt_id"`
	Status    string    `json:"status"`
	Warnings  []finding `json:"warnings"`
	TraceID   string    `json:"trace_id,omitempty"`
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // strings, numbers and lists of them always marshal
		status, text = http.StatusInternalServerError, []byte(`{"title":"the answer could not be written"}`)
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has gone away: nobody is left to tell
}

// fail answers with a problem that has one finding.
func fail(w http.ResponseWriter, r *http.Request, status int, code retail.Code, pr *retail.Problem) {
	pr.Code = code
	f := newFinding(pr)
	p := problem{
		Type: "urn:cagnotte:problem:" + strings.ToLower(string(code)), Title: f.Detail, Status: status, Code: code, Errors: []finding{f}, TraceID: traceID(r.Header),
		Detail: "observed " + pr.Observed + ", expected " + pr.Expected,
	}
	if pr.Path != "" {
		p.Detail = "at " + pr.Path + ": " + p.Detail
	}
	w.Header().Set("Content-Type", "application/problem+json")
	write(w, status, p)
}

// errBusy is a full house: as if Kafka's buffer were full.
var errBusy = kgo.ErrMaxBuffered

// delivery turns an error of Kafka into a status and a problem.
func delivery(err error) (int, *retail.Problem) {
	switch {
	case errors.Is(err, kgo.ErrMaxBuffered):
		return http.StatusTooManyRequests, &retail.Problem{Code: CodeBusy, Observed: "a full buffer", Expected: "room for one more", Hint: "send again after Retry-After seconds, with the same receipt_id"}
	case errors.Is(err, kerr.MessageTooLarge):
		return http.StatusRequestEntityTooLarge, &retail.Problem{Code: retail.CodeTooLarge, Observed: "more than the broker takes", Expected: "a smaller receipt", Hint: "split the transaction, or raise max.message.bytes of the topic"}
	}
	observed := "no acknowledgement from Kafka"
	if ke := (*kerr.Error)(nil); errors.As(err, &ke) {
		observed = ke.Message
	}
	return http.StatusServiceUnavailable, &retail.Problem{Code: CodeUnavailable, Observed: observed, Expected: "an acknowledgement from all in-sync replicas",
		Hint: "send again after Retry-After seconds, with the same receipt_id: a receipt counts once"}
}

// failDelivery answers a receipt that Kafka did not take.
func (s *Server) failDelivery(w http.ResponseWriter, r *http.Request, err error) {
	status, pr := delivery(err)
	retryAfter(w, status)
	if status == http.StatusServiceUnavailable && !errors.Is(err, context.Canceled) {
		s.opts.Logger.Warn("ingest: receipt not stored", "error", err, "path", r.URL.Path)
	}
	fail(w, r, status, pr.Code, pr)
}

// retryAfter tells a client when to come back: soon when the house is full, later when Kafka is away.
func retryAfter(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
}

// traceparent returns the request's W3C trace header when it is one, else "".
func traceparent(h http.Header) string {
	tp := h.Get("Traceparent")
	if len(tp) < 55 || len(tp) > 128 || tp[2] != '-' || tp[35] != '-' || tp[52] != '-' || tp[:2] == "ff" {
		return ""
	}
	for _, part := range []string{tp[:2], tp[3:35], tp[36:52], tp[53:55]} {
		if strings.Trim(part, "0123456789abcdef") != "" {
			return ""
		}
	}
	if tp[3:35] == strings.Repeat("0", 32) || (tp[:2] == "00" && len(tp) != 55) {
		return ""
	}
	return tp
}

func traceID(h http.Header) string {
	if tp := traceparent(h); tp != "" {
		return tp[3:35]
	}
	return ""
}
