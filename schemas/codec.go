package schemas

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"cagnotte/pipeline/retail"

	"github.com/twmb/franz-go/pkg/sr"
)

// kind numbers the messages of the wire.
type kind uint8

const (
	kindReceipt kind = iota
	kindLedger
	kindBalance
	kindDecision
	kindMetrics
	kinds
)

// DecodeError says why a record's value could not be decoded.
type DecodeError struct {
	Code     retail.Code // always RCP-0001 today
	SchemaID int         // of the writer, 0 when the value is not framed
	Detail   string      // field, what was seen, byte offset in the value
	// Retryable is set when the value may be fine but its schema could not be fetched: the registry is down. Such a record must wait, never
	// go to the dead letters.
	Retryable bool
}

// Error renders code, schema id and detail in one line.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode: %s: schema id %d: %s", e.Code, e.SchemaID, e.Detail)
}

// headerBytes is the length of the schema-registry framing: a zero byte and a four-byte id.
const headerBytes = 5

// Codec encodes and decodes the five messages with schema-registry framing. Values of every schema ever published take the hand-written path,
// which neither allocates nor copies; values of any other writer are resolved first (see writers). Safe for concurrent use.
type Codec struct {
	headers [kinds][headerBytes]byte
	ids     [kinds]uint32
	writers writers
}

// NewCodec registers the current schema of each message under `<topic>-value`, or finds it there, and keeps the ids. The client is used again,
// with a timeout of its own, when a record of an unknown writer arrives.
func NewCodec(ctx context.Context, client *sr.Client) (*Codec, error) {
	c := &Codec{}
	if err := c.writers.init(client); err != nil {
		return nil, err
	}
	for k, m := range messageTopics() {
		current, _ := CurrentSchema(m[0])
		id, err := schemaID(ctx, client, current)
		if err != nil {
			return nil, fmt.Errorf("register schema %s version %d: %w", current.Subject(), current.Version, err)
		}
		header, err := new(sr.ConfluentHeader).AppendEncode(nil, id, nil)
		if err != nil {
			return nil, fmt.Errorf("frame schema id %d: %w", id, err)
		}
		c.headers[k], c.ids[k] = [headerBytes]byte(header), uint32(id)
	}
	return c, nil
}

// schemaID looks the schema up before it registers, so that a client without the right to write works too.
func schemaID(ctx context.Context, client *sr.Client, s AvroSchema) (int, error) {
	schema := sr.Schema{Schema: s.Text, Type: sr.TypeAvro}
	found, err := client.LookupSchema(ctx, s.Subject(), schema)
	if err == nil {
		return found.ID, nil
	}
	var answer *sr.ResponseError
	if !errors.As(err, &answer) || answer.StatusCode != 404 {
		return 0, err
	}
	return client.RegisterSchema(ctx, s.Subject(), schema, -1, -1)
}

// open checks the framing and returns a reader on the record. converted says that the value was resolved from another writer's schema.
func (c *Codec) open(k kind, value []byte) (d reader, id uint32, converted bool, err error) {
	if len(value) < headerBytes || value[0] != 0 {
		return d, 0, false, unframed(value)
	}
	id = binary.BigEndian.Uint32(value[1:])
	if id == c.ids[k] {
		return reader{buf: value, pos: headerBytes, version: c.writers.layout[k]}, id, false, nil
	}
	value, version, converted, err := c.writers.convert(k, id, value)
	if err != nil {
		return d, id, false, err
	}
	return reader{buf: value, pos: headerBytes, version: version}, id, converted, nil
}

func unframed(value []byte) *DecodeError {
	detail := "value is empty"
	switch {
	case len(value) > 0 && value[0] != 0:
		detail = fmt.Sprintf("not framed: first byte is 0x%02x, want 0x00 and a four-byte schema id", value[0])
	case len(value) > 0:
		detail = fmt.Sprintf("truncated: %d bytes, want at least %d", len(value), headerBytes)
	}
	return &DecodeError{Code: retail.CodeSchema, Detail: detail}
}

// close turns the reader's failure, or bytes it left over, into an error.
func (d *reader) close(id uint32) error {
	d.end()
	if d.detail == "" {
		return nil
	}
	return &DecodeError{Code: retail.CodeSchema, SchemaID: int(id), Detail: d.detail}
}

// AppendReceipt appends the framed encoding of r.
func (c *Codec) AppendReceipt(dst []byte, r *retail.Receipt) []byte {
	return appendReceipt(append(dst, c.headers[kindReceipt][:]...), r)
}

// DecodeReceipt decodes a framed value into r, whose slices are reused and whose strings alias value: r is good as long as value is untouched.
// A failure is a *DecodeError and leaves r empty.
func (c *Codec) DecodeReceipt(value []byte, r *retail.Receipt) error {
	d, id, converted, err := c.open(kindReceipt, value)
	if err != nil {
		r.Reset()
		return err
	}
	readReceipt(&d, r)
	if err := d.close(id); err != nil {
		r.Reset()
		return err
	}
	if converted {
		sortAttributes(r)
	}
	return nil
}

// AppendLedger appends the framed encoding of rec. Entries carry no account of their own on the wire: it is the record's.
func (c *Codec) AppendLedger(dst []byte, rec *LedgerRecord) []byte {
	return appendLedger(append(dst, c.headers[kindLedger][:]...), rec)
}

// DecodeLedger decodes a framed value into rec, as DecodeReceipt does. After a failure rec must not be used.
func (c *Codec) DecodeLedger(value []byte, rec *LedgerRecord) error {
	d, id, _, err := c.open(kindLedger, value)
	if err != nil {
		return err
	}
	readLedger(&d, rec)
	return d.close(id)
}

// AppendBalance appends the framed encoding of b.
func (c *Codec) AppendBalance(dst []byte, b *BalanceUpdate) []byte {
	return appendBalance(append(dst, c.headers[kindBalance][:]...), b)
}

// DecodeBalance decodes a framed value into b, as DecodeReceipt does. After a failure b must not be used.
func (c *Codec) DecodeBalance(value []byte, b *BalanceUpdate) error {
	d, id, _, err := c.open(kindBalance, value)
	if err != nil {
		return err
	}
	readBalance(&d, b)
	return d.close(id)
}

// AppendDecision appends the framed encoding of rec. CampaignKey is not on the wire.
func (c *Codec) AppendDecision(dst []byte, rec *ReceiptDecision) []byte {
	return appendDecision(append(dst, c.headers[kindDecision][:]...), rec)
}

// DecodeDecision decodes a framed value into rec, as DecodeReceipt does; CampaignKey is computed from the campaign's id. rec owns the slices
// of its results: never decode into results that share Funding or Steps with a ruleset. After a failure rec must not be used.
func (c *Codec) DecodeDecision(value []byte, rec *ReceiptDecision) error {
	d, id, _, err := c.open(kindDecision, value)
	if err != nil {
		return err
	}
	readDecision(&d, rec)
	return d.close(id)
}

// AppendMetrics appends the framed encoding of m.
func (c *Codec) AppendMetrics(dst []byte, m *MetricBatch) []byte {
	return appendMetrics(append(dst, c.headers[kindMetrics][:]...), m)
}

// DecodeMetrics decodes a framed value into m, as DecodeReceipt does. After a failure m must not be used.
func (c *Codec) DecodeMetrics(value []byte, m *MetricBatch) error {
	d, id, _, err := c.open(kindMetrics, value)
	if err != nil {
		return err
	}
	readMetrics(&d, m)
	return d.close(id)
}
