package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/ingest"
	"cagnotte/pipeline/retail"

	"github.com/klauspost/compress/zstd"
)

// ReceiptSendCmd sends receipts to the HTTP door.
type ReceiptSendCmd struct {
	File   string        `arg:"" help:"File of receipts (NDJSON, array or JSON texts, may be compressed); - is standard input."`
	To     string        `help:"Where the door is (default: a dev in this directory, else http://localhost:8080)." placeholder:"URL"`
	Batch  int           `default:"500" help:"Receipts per request, at most 1000."`
	GiveUp time.Duration `default:"5m" help:"Stop when a request was answered with 429, 5xx or nothing for so long; 0 means never."`
}

// Run sends all receipts in order, each batch until it is stored or refused, and exits with 3 when some were refused.
func (c *ReceiptSendCmd) Run(ctx context.Context, g *Globals) error {
	target, err := c.target()
	if err != nil {
		return err
	}
	in, err := openReceipts(g, c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	s := newSender(g, target, c.GiveUp)
	err = s.sendAll(ctx, in, c.Batch)
	s.progress(true)
	if werr := g.writeRefusals(s.rows); err == nil {
		err = werr
	}
	switch {
	case err != nil:
		return err
	case s.counts.Refused > 0:
		return exitf(ExitInvalid, "%s of %s receipts were refused", grouped(s.counts.Refused), grouped(s.counts.total()))
	case s.counts.total() == 0:
		return exitf(ExitInvalid, "%s holds no receipt", c.File)
	}
	return nil
}

func (c *ReceiptSendCmd) target() (string, error) {
	if c.Batch < 1 || c.Batch > ingest.MaxBatch {
		return "", exitf(ExitUsage, "--batch is %d, want 1 to %d", c.Batch, ingest.MaxBatch)
	}
	base, err := doorURL(c.To)
	return base + "/v1/receipts:batch", err
}

// doorURL is where the HTTP door is: as given, else that of a dev of this directory.
func doorURL(to string) (string, error) {
	base := to
	if base == "" {
		base = devEndpoints().URL
	}
	if base == "" {
		base = "http://localhost:8080"
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", exitf(ExitUsage, "--to %q is not a URL such as http://localhost:8080", base)
	}
	return strings.TrimSuffix(base, "/"), nil
}

// sendCounts counts receipts by their fate.
type sendCounts struct{ Accepted, Duplicate, Refused int64 }

func (c sendCounts) total() int64 { return c.Accepted + c.Duplicate + c.Refused }

// outgoing is one receipt on its way.
type outgoing struct {
	line int
	text []byte
}

// sender holds what a sending needs between batches.
type sender struct {
	g        *Globals
	url      string
	giveUp   time.Duration
	client   *http.Client
	zip      *zstd.Encoder
	counts   sendCounts
	rows     []refusal
	begun    time.Time
	reported time.Time
	backoff  func(attempt int) time.Duration
}

func newSender(g *Globals, target string, giveUp time.Duration) *sender {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(fmt.Sprintf("zstd encoder with constant options: %v", err))
	}
	return &sender{g: g, url: target, giveUp: giveUp, client: &http.Client{Timeout: time.Minute}, zip: zip, begun: time.Now(), reported: time.Now(), backoff: fullJitter}
}

// fullJitter waits between nothing and 0.2 s x 2^attempt, ten seconds at most, so that many tills do not come back together.
func fullJitter(attempt int) time.Duration {
	limit := min(10*time.Second, 200*time.Millisecond<<min(attempt, 6))
	return time.Duration(rand.Int64N(int64(limit)))
}

// maxSendBytes keeps a batch's text below the door's limit.
const maxSendBytes = ingest.DefaultMaxBodyBytes - ingest.MaxReceiptBytes - 1

func (s *sender) sendAll(ctx context.Context, in *receiptSource, batch int) error {
	var pending []outgoing
	size := 0
	for in.next() {
		text := oneLine(in.text)
		pending = append(pending, outgoing{in.line, text})
		if size += len(text) + 1; len(pending) < batch && size < maxSendBytes {
			continue
		}
		if err := s.send(ctx, pending); err != nil {
			return err
		}
		pending, size = pending[:0], 0
		s.progress(false)
	}
	if err := s.send(ctx, pending); err != nil {
		return err
	}
	return in.err
}

// oneLine copies a text without its line breaks: JSON has none inside of strings, and what is not JSON is refused as it is.
func oneLine(text []byte) []byte {
	if bytes.IndexByte(text, '\n') < 0 {
		return bytes.Clone(text)
	}
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return bytes.ReplaceAll(text, []byte{'\n'}, []byte{' '})
	}
	return b.Bytes()
}

// send repeats a batch, or what is left of it, until every receipt is stored or refused.
func (s *sender) send(ctx context.Context, pending []outgoing) error {
	since := time.Now()
	for attempt := 0; len(pending) > 0; attempt++ {
		left, retryAfter, err := s.try(ctx, pending)
		if len(left) == 0 && err == nil {
			return nil
		}
		var stop *ExitError
		if errors.As(err, &stop) || ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if len(left) < len(pending) {
			attempt, since = 0, time.Now()
		}
		pending = left
		if s.giveUp > 0 && time.Since(since) > s.giveUp {
			return exitf(ExitUnreachable, "gave up after %v: %w; %s receipts were stored, send the file again: a receipt counts once", s.giveUp, err, grouped(s.counts.Accepted))
		}
		wait := max(s.backoff(attempt), retryAfter)
		if attempt == 2 || attempt%10 == 9 {
			s.g.say("retrying in %v: %v", wait.Round(time.Millisecond), err)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

// try sends once and returns the receipts that are to be sent again, with the reason.
func (s *sender) try(ctx context.Context, pending []outgoing) (left []outgoing, retryAfter time.Duration, err error) {
	res, err := s.post(ctx, pending)
	if err != nil {
		return pending, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return pending, 0, err
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		retryAfter = time.Duration(min(seconds, 60)) * time.Second
	}
	if res.StatusCode == http.StatusOK {
		left, err = s.settle(pending, text)
		return left, retryAfter, err
	}
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		return pending, retryAfter, fmt.Errorf("%s answered %s: %s", s.url, res.Status, reasonOf(text))
	}
	return pending, 0, exitf(ExitFailed, "%s answered %s: %s", s.url, res.Status, reasonOf(text))
}

func (s *sender) post(ctx context.Context, pending []outgoing) (*http.Response, error) {
	var body []byte
	for _, p := range pending {
		body = append(append(body, p.text...), '\n')
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(s.zip.EncodeAll(body, nil)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", "zstd")
	return s.client.Do(req)
}

// reasonOf finds what a refusal of the whole call says for itself.
func reasonOf(text []byte) string {
	var p struct{ Title, Detail string }
	if json.Unmarshal(text, &p) == nil && p.Title != "" {
		return p.Title + " (" + p.Detail + ")"
	}
	return fmt.Sprintf("%.100q", text)
}

// settle counts the results and returns the receipts that are to be sent again. Results come in the order of the batch.
func (s *sender) settle(pending []outgoing, text []byte) (left []outgoing, err error) {
	var a struct {
		Results []struct {
			ReceiptID string      `json:"receipt_id"`
			Status    string      `json:"status"`
			Code      retail.Code `json:"code"`
			Errors    []struct {
				Path, Observed, Expected, Hint string
			} `json:"errors"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &a); err != nil || len(a.Results) != len(pending) {
		return pending, exitf(ExitFailed, "%s answered %d results for %d receipts: %w", s.url, len(a.Results), len(pending), errors.Join(err, errors.New("is it the door for receipts?")))
	}
	for i, r := range a.Results {
		switch r.Status {
		case "accepted":
			s.counts.Accepted++
		case "duplicate":
			s.counts.Duplicate++
		case "retry":
			left, err = append(left, pending[i]), fmt.Errorf("receipt %s: %s", r.ReceiptID, r.Code)
		default:
			s.counts.Refused++
			row := refusal{Line: pending[i].line, ReceiptID: r.ReceiptID, Code: r.Code}
			if len(r.Errors) > 0 {
				row.Path, row.Observed, row.Expected, row.Hint = r.Errors[0].Path, r.Errors[0].Observed, r.Errors[0].Expected, r.Errors[0].Hint
			}
			if len(s.rows) < maxRefusals {
				s.rows = append(s.rows, row)
			}
		}
	}
	return left, err
}

// progress writes to standard error how far it is, every two seconds and at the end.
func (s *sender) progress(last bool) {
	if !last && time.Since(s.reported) < 2*time.Second {
		return
	}
	s.reported = time.Now()
	rate := float64(s.counts.total()) / max(time.Since(s.begun).Seconds(), 0.001)
	s.g.say("%s accepted, %s duplicate, %s refused, %s/s", grouped(s.counts.Accepted), grouped(s.counts.Duplicate), grouped(s.counts.Refused), grouped(int64(rate)))
}
