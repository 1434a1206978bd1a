package ingest

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/retail"
)

// memberEvent is the short form of an EVENT: what happened to the account in the path. At is required, and the id too: only the same event under the
// same id is a repeat.
type memberEvent struct {
	EventID    string            `json:"event_id"`
	Event      string            `json:"event"`
	At         json.RawMessage   `json:"at"` // as ended_at of a receipt
	StoreID    string            `json:"store_id,omitempty"`
	OperatorID string            `json:"operator_id,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Lines      json.RawMessage   `json:"lines,omitempty"` // as of a receipt
	TotalMinor json.RawMessage   `json:"total_minor,omitempty"`
}

// postEvent takes one event of an account, as if its receipt had been sent, and answers once Kafka has it.
func (s *Server) postEvent(w http.ResponseWriter, r *http.Request) {
	wk, ok := s.read(w, r, jsonOnly)
	if !ok {
		return
	}
	defer s.put(wk)
	text, pr := eventReceipt(wk.body, r.PathValue("account"), s.opts.Policy.Currency)
	if pr != nil {
		v := refused(pr, wk.body)
		fail(w, r, v.status, pr.Code, pr)
		return
	}
	wk.body = text
	s.take(w, r, wk)
}

// eventReceipt writes the receipt that an event is.
func eventReceipt(body []byte, account, currency string) ([]byte, *retail.Problem) {
	var e memberEvent
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil || dec.More() {
		return nil, &retail.Problem{Code: retail.CodeSchema, Observed: observedError(err), Expected: "an object with event_id, event and at",
			Hint: "store_id, operator_id, attributes, lines and total_minor may be there too; a whole receipt goes to /v1/receipts"}
	}
	if pr := e.missing(); pr != nil {
		return nil, pr
	}
	attributes := map[string]string{}
	maps.Copy(attributes, e.Attributes)
	attributes[retail.EventAttribute] = e.Event
	out := map[string]any{
		"receipt_id": e.EventID, "type": retail.Event.String(), "ended_at": endedAt(e.At), "currency": currency, "attributes": attributes,
		"loyalty": map[string]string{"account_id": account},
	}
	if e.StoreID != "" {
		out["store"] = map[string]string{"store_id": e.StoreID}
	}
	if e.OperatorID != "" {
		out["operator_id"] = e.OperatorID
	}
	for key, raw := range map[string]json.RawMessage{"lines": e.Lines, "total_minor": e.TotalMinor} {
		if len(raw) > 0 {
			out[key] = raw
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, &retail.Problem{Code: retail.CodeSchema, Observed: err.Error(), Expected: "an event"}
	}
	return text, nil
}

// endedAt writes the instant such that it carries its offset from UTC, of which a receipt's day follows: neither milliseconds nor Z say what is local.
func endedAt(at json.RawMessage) any {
	const withOffset = "2006-01-02T15:04:05.000-07:00"
	if ms, err := strconv.ParseInt(string(at), 10, 64); err == nil {
		return time.UnixMilli(ms).UTC().Format(withOffset)
	}
	var text string
	if json.Unmarshal(at, &text) == nil {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t.Format(withOffset)
		}
	}
	return at
}

func (e *memberEvent) missing() *retail.Problem {
	for _, f := range []struct{ key, value, want string }{
		{"event_id", e.EventID, "an id of its own: the same event under the same id counts once"},
		{"event", e.Event, "what happened, such as enrol, segment, hold or redeem"},
		{"at", strings.TrimPrefix(string(e.At), "null"), "when it happened, RFC 3339 or ms since 1970"},
	} {
		if f.value == "" {
			return &retail.Problem{Code: retail.CodeSchema, Path: "/" + f.key, Observed: "nothing", Expected: f.want}
		}
	}
	return nil
}

func observedError(err error) string {
	if err == nil {
		return "more than one JSON text"
	}
	return strconv.Quote(err.Error())
}
