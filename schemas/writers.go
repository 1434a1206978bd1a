package schemas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// writers knows the schemas of those who write with another version than ours, older or newer. A writer's schema is fetched from the registry
// once and kept for ever, since an id never changes its meaning. When its bytes are laid out as those of a version that was ever published (only docs
// or defaults differ), its values take the fast path too. Otherwise a value is resolved by Avro's rules into our schema's bytes, and those are
// decoded: one meaning, whatever the writer. That costs allocations, on the values of such writers alone.
type writers struct {
	client  *sr.Client
	current [kinds]*avro.Schema
	layout  [kinds]int // version that current is laid out as
	// published holds the first version of each layout, by canonical form: what the hand-written decoders read.
	published [kinds]map[string]int
	known     sync.Map   // writerKey -> *writer
	mu        sync.Mutex // one fetch at a time
	absent    map[writerKey]time.Time
}

type writerKey struct {
	kind kind
	id   uint32
}

// writer is what became of one writer's schema: a published layout, a resolution, or a lasting refusal.
type writer struct {
	version  int // 0 unless the layout was published
	resolved *avro.Schema
	refusal  string
}

const (
	fetchTimeout = 5 * time.Second
	// absentFor is how long an id that the registry does not know is not asked for again, so that a run of garbage cannot flood the registry.
	absentFor = 10 * time.Second
	// maxAbsent bounds that memory.
	maxAbsent = 4096
)

func (w *writers) init(client *sr.Client) error {
	w.client, w.absent = client, map[writerKey]time.Time{}
	for k, m := range messageTopics() {
		w.published[k] = map[string]int{}
		for _, s := range versionsOf(m[0], m[1]) {
			schema, err := parseRaw(s.Text)
			if err != nil {
				return fmt.Errorf("parse schema %s version %d: %w", s.Name, s.Version, err)
			}
			w.publish(kind(k), schema, s.Version)
		}
	}
	return nil
}

// publish takes the versions of a message in their order; the last is the current one.
func (w *writers) publish(k kind, schema *avro.Schema, version int) {
	form := string(schema.Canonical())
	if _, known := w.published[k][form]; !known {
		w.published[k][form] = version
	}
	w.current[k], w.layout[k] = schema, w.published[k][form]
}

// parseRaw parses a schema such that instants and dates stay numbers: they are only passed through.
func parseRaw(text string) (*avro.Schema, error) {
	return avro.Parse(text,
		avro.CustomType{LogicalType: "timestamp-millis", AvroType: "long"},
		avro.CustomType{LogicalType: "date", AvroType: "int"})
}

// convert returns the value in a published layout, framing included, that layout, and whether it had to be resolved. Errors are *DecodeError.
func (w *writers) convert(k kind, id uint32, value []byte) (out []byte, version int, resolved bool, err error) {
	wr, err := w.find(k, id)
	if err != nil {
		return nil, 0, false, err
	}
	if wr.version != 0 {
		return value, wr.version, false, nil
	}
	if wr.refusal != "" {
		return nil, 0, false, &DecodeError{Code: retail.CodeSchema, SchemaID: int(id), Detail: wr.refusal}
	}
	if out, err = w.resolve(k, wr, value); err != nil {
		return nil, 0, false, &DecodeError{Code: retail.CodeSchema, SchemaID: int(id), Detail: err.Error()}
	}
	return out, w.layout[k], true, nil
}

func (w *writers) resolve(k kind, wr *writer, value []byte) ([]byte, error) {
	var generic any
	rest, err := wr.resolved.Decode(value[headerBytes:], &generic)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes after the end of the record at byte %d", len(rest), len(value)-len(rest))
	}
	return w.current[k].AppendEncode(append(make([]byte, 0, len(value)+64), value[:headerBytes]...), generic)
}

// find returns the writer, fetching its schema on first sight.
func (w *writers) find(k kind, id uint32) (*writer, error) {
	key := writerKey{k, id}
	if known, ok := w.known.Load(key); ok {
		return known.(*writer), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.known.Load(key); ok {
		return known.(*writer), nil
	}
	if time.Since(w.absent[key]) < absentFor {
		return nil, absentError(id)
	}
	text, err := w.fetch(key)
	if err != nil {
		return nil, err
	}
	wr := w.plan(k, text)
	w.known.Store(key, wr)
	return wr, nil
}

func (w *writers) fetch(key writerKey) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	schema, err := w.client.SchemaByID(ctx, int(key.id))
	if err == nil {
		return schema.Schema, nil
	}
	var answer *sr.ResponseError
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		w.remember(key)
		return "", absentError(key.id)
	}
	return "", &DecodeError{Code: retail.CodeSchema, SchemaID: int(key.id), Detail: "schema registry: " + err.Error(), Retryable: true}
}

func (w *writers) remember(key writerKey) {
	if len(w.absent) >= maxAbsent {
		clear(w.absent)
	}
	w.absent[key] = time.Now()
}

func absentError(id uint32) *DecodeError {
	return &DecodeError{Code: retail.CodeSchema, SchemaID: int(id), Detail: "the schema registry does not know this schema id"}
}

// plan decides how values of a writer's schema are read.
func (w *writers) plan(k kind, text string) *writer {
	schema, err := parseRaw(text)
	if err != nil {
		return &writer{refusal: "writer schema is not valid Avro: " + err.Error()}
	}
	if version := w.published[k][string(schema.Canonical())]; version != 0 {
		return &writer{version: version}
	}
	resolved, err := avro.Resolve(schema, w.current[k])
	if err != nil {
		return &writer{refusal: "writer schema cannot be read as " + messageTopics()[k][0] + ": " + err.Error()}
	}
	return &writer{resolved: resolved}
}

// sortAttributes gives the attributes of a resolved receipt an order of their own: resolution goes through a map, which has none.
func sortAttributes(r *retail.Receipt) {
	slices.SortFunc(r.Attributes, func(a, b retail.Attribute) int { return strings.Compare(a.Key, b.Key) })
}
