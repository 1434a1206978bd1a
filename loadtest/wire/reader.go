package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// ErrUnreadable marks a value that is not a framed record of a known schema. Any other error of a Reader is a fault of the audit itself.
var ErrUnreadable = errors.New("unreadable")

// Reader decodes framed values. Safe for concurrent use.
type Reader struct {
	fetch func(id int) (string, error)

	mu      sync.Mutex
	schemas map[int]*known
	checked int64
}

// known is what the reader holds of one schema id: nil plain means that the registry does not know it.
type known struct {
	plain  *avro.Schema
	second *goavro.Codec
	seen   uint64
}

// sampleEvery is how often a value is read by the second library too.
const sampleEvery = 997

// NewReader returns a Reader that asks the registry for schemas.
func NewReader(client *sr.Client) *Reader {
	return NewReaderFunc(func(id int) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s, err := client.SchemaByID(ctx, id)
		var answer *sr.ResponseError
		if errors.As(err, &answer) && answer.StatusCode == 404 {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("schema %d: %w", id, err)
		}
		return s.Schema, nil
	})
}

// NewReaderFunc returns a Reader that asks fetch for the text of a schema; an empty text means that the id is not known.
func NewReaderFunc(fetch func(id int) (string, error)) *Reader {
	return &Reader{fetch: fetch, schemas: map[int]*known{}}
}

// Checked returns how many values a second library has read as well, without a contradiction.
func (r *Reader) Checked() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checked
}

// Decode reads one framed value into v, a pointer to a zeroed message of this package. It fails with ErrUnreadable when the value is not framed, names
// an unknown schema, ends early or has bytes left over.
func (r *Reader) Decode(value []byte, v any) error {
	if len(value) < 5 || value[0] != 0 {
		return fmt.Errorf("%w: not framed", ErrUnreadable)
	}
	k, sample, err := r.schema(int(binary.BigEndian.Uint32(value[1:])))
	if err != nil {
		return err
	}
	if k.plain == nil {
		return fmt.Errorf("%w: unknown schema", ErrUnreadable)
	}
	rest, err := decode(k.plain, value[5:], v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes left over", len(rest))
	}
	if sample {
		if err := r.confirm(k, value[5:], err); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}

// decode keeps a panic of the library inside the audit's own vocabulary: hostile bytes are part of the stream.
func decode(s *avro.Schema, b []byte, v any) (rest []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoder panicked: %v", p)
		}
	}()
	return s.Decode(b, v, avro.SkipUnknown())
}

// confirm reads the value that the first library has read with the other one, and compares the verdicts. It is not asked about values that were refused:
// it makes room for as many items as they claim to hold, which hostile bytes make more than there is. A key that comes twice in a map is refused by it
// alone; Avro does not forbid it, and the last value holds.
func (r *Reader) confirm(k *known, b []byte, first error) error {
	if first != nil {
		return nil
	}
	_, rest, err := k.second.NativeFromBinary(b)
	if err != nil && strings.Contains(err.Error(), "duplicate key") {
		return nil
	}
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("two Avro libraries disagree about a value of %d bytes: one says %v, the other %v with %d bytes left", len(b), first, err, len(rest))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checked++
	return nil
}

func (r *Reader) schema(id int) (k *known, sample bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k = r.schemas[id]
	if k == nil {
		if k, err = r.load(id); err != nil {
			return nil, false, err
		}
		r.schemas[id] = k
	}
	k.seen++
	return k, k.plain != nil && k.seen%sampleEvery == 1, nil
}

func (r *Reader) load(id int) (*known, error) {
	text, err := r.fetch(id)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return &known{}, nil
	}
	plain, err := avro.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	second, err := goavro.NewCodec(text)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return &known{plain: plain, second: second}, nil
}
