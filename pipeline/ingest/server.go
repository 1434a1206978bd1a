package ingest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"cagnotte/pipeline/retail"
	"cagnotte/schemas"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options is what a Server needs. Client should be made with ClientOpts; it stays the caller's to close.
type Options struct {
	Client       *kgo.Client
	Codec        *schemas.Codec
	Policy       retail.Policy
	Partitions   int32        // of the receipts topic
	Logger       *slog.Logger // nil: discarded
	MaxBodyBytes int64        // of a body, compressed and not; 0: 4 MiB
	EventKey     []byte       // when set, EVENTs are signed with it: see schemas.SignEvent
	// CheckEvent says what is wrong with an EVENT that the tasks would refuse; nil checks nothing.
	CheckEvent func(*retail.Receipt) *retail.Problem
	AckTimeout time.Duration // from taking a receipt to Kafka's acknowledgement, then 503; 0: 15 s
}

// Limits of one request.
const (
	DefaultMaxBodyBytes = 4 << 20
	MaxReceiptBytes     = 1 << 20 // one receipt, alone or in a batch
	MaxBatch            = 1000    // receipts in a batch
)

const (
	bodyTimeout  = 30 * time.Second // to read a body
	ackTimeout   = 15 * time.Second
	seenReceipts = 1 << 16 // remembered ids
	maxSingles   = 1024    // requests of one receipt under way
	maxBatches   = 32      // batches under way
)

// ClientOpts returns the Kafka options that the door's promise rests on: acks from all in-sync replicas, explicit partitions, a short linger so
// that single receipts share batches, and a bounded buffer, beyond which requests are told to come back.
func ClientOpts() []kgo.Opt {
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(2 * time.Millisecond),
		kgo.MaxBufferedRecords(20_000), kgo.MaxBufferedBytes(64 << 20), kgo.RecordDeliveryTimeout(ackTimeout),
		kgo.ProducerBatchMaxBytes(2 << 20), kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()),
	}
}

// Server is the HTTP handler. Safe for concurrent use; it holds nothing that needs closing.
type Server struct {
	opts     Options
	mux      *http.ServeMux
	seen     *seen
	singles  chan struct{} // a slot per request of one receipt
	batches  chan struct{} // a slot per batch
	works    sync.Pool     // *work
	now      func() time.Time
	openAPI  []byte
	schema   []byte // of a receipt
	campaign []byte // schema of a document
}

// work is the memory of one request, reused.
type work struct {
	body    []byte
	receipt retail.Receipt
	scratch []byte
}

// New returns a server. It panics when Client or Codec is missing or Partitions is not positive: there is no way to serve without.
func New(o Options) *Server {
	if o.Client == nil || o.Codec == nil || o.Partitions < 1 {
		panic("ingest: Client, Codec and a positive number of Partitions are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxBodyBytes <= 0 {
		o.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = ackTimeout
	}
	if o.Client.OptValue(kgo.RequiredAcks) != kgo.AllISRAcks() {
		o.Logger.Error("ingest: the Kafka client does not wait for all in-sync replicas, accepted receipts may be lost", "remedy", "ingest.ClientOpts")
	}
	s := &Server{
		opts: o, seen: newSeen(seenReceipts), now: time.Now, singles: make(chan struct{}, maxSingles), batches: make(chan struct{}, maxBatches),
		works: sync.Pool{New: func() any { return new(work) }}, schema: schemas.ReceiptJSONSchema(), campaign: schemas.CampaignJSONSchema(), openAPI: openAPIDocument(),
	}
	s.mux = s.routes()
	return s
}

// route is one line of the interface: a path with its only method.
type route struct {
	method, path string
	handle       http.HandlerFunc
}

func (s *Server) table() []route {
	return []route{
		{http.MethodPost, "/v1/receipts", s.limit(s.singles, s.postReceipt)},
		{http.MethodPost, "/v1/receipts:batch", s.limit(s.batches, s.postBatch)},
		{http.MethodPost, "/v1/receipts:validate", s.limit(s.singles, s.postValidate)},
		{http.MethodPost, "/v1/members/{account}/events", s.limit(s.singles, s.postEvent)},
		{http.MethodGet, "/v1/schemas/receipt", s.document("application/schema+json", s.schema)},
		{http.MethodGet, "/v1/schemas/campaign.json", s.document("application/schema+json", s.campaign)},
		{http.MethodGet, "/openapi.json", s.document("application/vnd.oai.openapi+json;version=3.1", s.openAPI)},
		{http.MethodGet, "/v1/openapi.json", s.document("application/vnd.oai.openapi+json;version=3.1", s.openAPI)},
	}
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range s.table() {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
		mux.HandleFunc(r.path, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Allow", r.method)
			fail(w, req, http.StatusMethodNotAllowed, CodeMethod, &retail.Problem{Observed: req.Method, Expected: r.method, Hint: "see /openapi.json"})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		fail(w, req, http.StatusNotFound, CodeNoRoute, &retail.Problem{Observed: req.URL.Path, Expected: "a path of /openapi.json", Hint: "receipts go to /v1/receipts"})
	})
	return mux
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// limit turns requests away when too many are under way, so that memory stays bounded.
func (s *Server) limit(slots chan struct{}, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next(w, r)
		default:
			s.failDelivery(w, r, errBusy)
		}
	}
}

func (s *Server) document(contentType string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(text) // the client has gone away: nobody is left to tell
	}
}

// postReceipt takes one receipt and answers once Kafka has it.
func (s *Server) postReceipt(w http.ResponseWriter, r *http.Request) {
	wk, ok := s.read(w, r, jsonOnly)
	if !ok {
		return
	}
	defer s.put(wk)
	s.take(w, r, wk)
}

// take judges the receipt in the work's body, delivers it and answers.
func (s *Server) take(w http.ResponseWriter, r *http.Request, wk *work) {
	v := s.judge(wk.body, wk)
	if v.problem != nil {
		fail(w, r, v.status, v.problem.Code, v.problem)
		return
	}
	a := answer{ReceiptID: strings.Clone(string(wk.receipt.ID)), Status: statusAccepted, Warnings: v.warnings, TraceID: traceID(r.Header)}
	if v.duplicate {
		a.Status = statusDuplicate
		reply(w, http.StatusOK, a)
		return
	}
	if err := s.deliver(r, wk, v); err != nil {
		s.failDelivery(w, r, err)
		return
	}
	reply(w, http.StatusAccepted, a)
}

// postValidate checks one receipt and writes nothing.
func (s *Server) postValidate(w http.ResponseWriter, r *http.Request) {
	wk, ok := s.read(w, r, jsonOnly)
	if !ok {
		return
	}
	defer s.put(wk)
	v := s.judge(wk.body, wk)
	if v.problem != nil {
		fail(w, r, v.status, v.problem.Code, v.problem)
		return
	}
	a := answer{ReceiptID: string(wk.receipt.ID), Status: statusValid, Warnings: v.warnings, TraceID: traceID(r.Header)}
	if v.duplicate {
		a.Status = statusDuplicate
	}
	reply(w, http.StatusOK, a)
}

// deliver writes one receipt and waits for its acknowledgement.
func (s *Server) deliver(r *http.Request, wk *work, v verdict) error {
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.AckTimeout)
	defer cancel()
	done := make(chan error, 1)
	s.produce(ctx, r.Header, wk, v, func(err error) { done <- err })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// produce hands the receipt to Kafka and remembers it once it is there. done is called exactly once, from any goroutine, and must not block. A full
// buffer is reported at once.
func (s *Server) produce(ctx context.Context, header http.Header, wk *work, v verdict, done func(error)) {
	r := &wk.receipt
	key := []byte(r.Key())
	id := strings.Clone(string(r.ID)) // the receipt's own id lies in the request's buffer
	rec := &kgo.Record{
		Topic: schemas.TopicReceipts, Key: key, Partition: schemas.PartitionOf(string(key), s.opts.Partitions),
		Value: s.opts.Codec.AppendReceipt(make([]byte, 0, v.bytes/2+64), r),
	}
	if tp := traceparent(header); tp != "" {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: "traceparent", Value: []byte(tp)})
	}
	if secret := s.opts.EventKey; len(secret) > 0 && r.Type == retail.Event {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: schemas.HeaderSignature, Value: schemas.SignEvent(secret, key, rec.Value)})
	}
	s.opts.Client.TryProduce(ctx, rec, func(_ *kgo.Record, err error) {
		if err == nil {
			s.seen.add(id, v.hash)
		}
		done(err)
	})
}

// get returns request memory and put keeps it, unless the request was a giant.
func (s *Server) get() *work { return s.works.Get().(*work) }

func (s *Server) put(wk *work) {
	if cap(wk.body) <= MaxReceiptBytes {
		s.works.Put(wk)
	}
}
