package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"
)

// verdict is what the checks say about one receipt.
type verdict struct {
	problem   *retail.Problem // nil: good
	status    int             // HTTP status of the problem
	duplicate bool            // the stream has it already
	hash      uint64          // of its content
	bytes     int             // of its text
	warnings  []finding
}

// judge decodes and checks one receipt into wk.receipt, as the pipeline will: the wall clock stands in for the append time that is to come.
func (s *Server) judge(text []byte, wk *work) verdict {
	if len(text) > MaxReceiptBytes {
		return refused(&retail.Problem{Code: retail.CodeTooLarge, Observed: strconv.Itoa(len(text)) + " bytes", Expected: "at most " + strconv.Itoa(MaxReceiptBytes) + " bytes",
			Hint: "a receipt holds lines, not documents"}, text)
	}
	r := &wk.receipt
	if pr := schemas.DecodeReceiptJSON(text, r); pr != nil {
		return refused(pr, text)
	}
	if pr := s.opts.Policy.Validate(r, retail.Instant(s.now().UnixMilli())); pr != nil {
		return refused(pr, text)
	}
	if r.Type == retail.Event && s.opts.CheckEvent != nil {
		if pr := s.opts.CheckEvent(r); pr != nil {
			return refused(pr, text)
		}
	}
	v := verdict{warnings: warnings(r), bytes: len(text)}
	v.hash, wk.scratch = r.ContentHash(wk.scratch)
	known, same := s.seen.check(string(r.ID), v.hash)
	if known && !same {
		return refused(conflict(r), text)
	}
	v.duplicate = known
	return v
}

func conflict(r *retail.Receipt) *retail.Problem {
	return &retail.Problem{Code: retail.CodeConflict, Path: "/receipt_id", Observed: strconv.Quote(string(r.ID)) + " with other content", Expected: "the content it was accepted with, or a new id",
		Hint: "send a correction as a receipt of its own: a VOID or RETURN with original"}
}

// refused chooses the status: 400 what is not JSON at all, 413 what is too large, 422 what is JSON and not a good receipt.
func refused(pr *retail.Problem, text []byte) verdict {
	status := http.StatusUnprocessableEntity
	switch {
	case pr.Code == retail.CodeTooLarge:
		status = http.StatusRequestEntityTooLarge
	case pr.Code == retail.CodeSchema && !json.Valid(text):
		status = http.StatusBadRequest
	}
	return verdict{problem: pr, status: status}
}
