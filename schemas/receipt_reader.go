package schemas

import (
	"errors"

	"cagnotte/pipeline/retail"
)

// ReceiptReader reads receipts without framing that were all written with one schema, as in an object container file. Not safe for concurrent use.
type ReceiptReader struct {
	writers writers
	writer  *writer
	buf     []byte
}

// NewReceiptReader returns a reader of what was written with the schema. It fails when the schema is not valid Avro, or cannot be read as a receipt.
func NewReceiptReader(writerSchema string) (*ReceiptReader, error) {
	rr := &ReceiptReader{}
	if err := rr.writers.init(nil); err != nil {
		return nil, err
	}
	rr.writer = rr.writers.plan(kindReceipt, writerSchema)
	if rr.writer.refusal != "" {
		return nil, errors.New(rr.writer.refusal)
	}
	return rr, nil
}

// Read decodes one record into r, whose strings alias memory of the reader: they are good until the next Read. A failure is a *DecodeError and
// leaves r empty.
func (rr *ReceiptReader) Read(body []byte, r *retail.Receipt) error {
	rr.buf = append(append(rr.buf[:0], make([]byte, headerBytes)...), body...)
	d := reader{buf: rr.buf, pos: headerBytes, version: rr.writer.version}
	if d.version == 0 {
		resolved, err := rr.writers.resolve(kindReceipt, rr.writer, rr.buf)
		if err != nil {
			r.Reset()
			return &DecodeError{Code: retail.CodeSchema, Detail: err.Error()}
		}
		d.buf, d.version = resolved, rr.writers.layout[kindReceipt]
	}
	readReceipt(&d, r)
	if err := d.close(0); err != nil {
		r.Reset()
		return err
	}
	sortAttributes(r)
	return nil
}

// AppendReceiptBody appends r in the bytes of the current schema, without framing: a datum of an object container file.
func AppendReceiptBody(dst []byte, r *retail.Receipt) []byte { return appendReceipt(dst, r) }

// ReadNext decodes the record at the beginning of block into r and returns what follows it: records in a container file have no length of their own.
// Texts alias block when it was written with a published layout, else memory of their own; nothing aliases the reader. A failure is a *DecodeError and
// leaves r empty.
func (rr *ReceiptReader) ReadNext(block []byte, r *retail.Receipt) (rest []byte, err error) {
	d := reader{buf: block, version: rr.writer.version}
	if d.version == 0 {
		if d.buf, rest, err = rr.resolveNext(block); err != nil {
			r.Reset()
			return nil, &DecodeError{Code: retail.CodeSchema, Detail: err.Error()}
		}
		d.version = rr.writers.layout[kindReceipt]
	}
	readReceipt(&d, r)
	if d.detail != "" {
		r.Reset()
		return nil, &DecodeError{Code: retail.CodeSchema, Detail: d.detail}
	}
	sortAttributes(r)
	if rr.writer.version != 0 {
		rest = block[d.pos:]
	}
	return rest, nil
}

// resolveNext turns the record at the beginning of block into our layout.
func (rr *ReceiptReader) resolveNext(block []byte) (value, rest []byte, err error) {
	var generic any
	if rest, err = rr.writer.resolved.Decode(block, &generic); err != nil {
		return nil, nil, err
	}
	value, err = rr.writers.current[kindReceipt].AppendEncode(make([]byte, 0, len(block)-len(rest)+64), generic)
	return value, rest, err
}
