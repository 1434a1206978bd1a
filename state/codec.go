package state

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Meta says what a partition's data covers. It is written in the same Pebble batch as the data.
type Meta struct {
	ChangelogOffset int64  // next changelog offset to apply
	Commit          []byte // last COMMIT record, opaque
	Hash            uint64 // running hash of all changelog values so far
}

const metaVersion = 1

func (m *Meta) appendBinary(dst []byte) []byte {
	dst = append(dst, metaVersion)
	dst = binary.AppendVarint(dst, m.ChangelogOffset)
	dst = binary.LittleEndian.AppendUint64(dst, m.Hash)
	return append(dst, m.Commit...)
}

var errMeta = errors.New("not a meta value of a known version")

func (m *Meta) decode(b []byte) error {
	if len(b) < 1 || b[0] != metaVersion {
		return fmt.Errorf("decode meta %.16x: %w", b, errMeta)
	}
	offset, n := binary.Varint(b[1:])
	if n <= 0 || len(b) < 1+n+8 {
		return fmt.Errorf("decode meta %.16x: short: %w", b, errMeta)
	}
	rest := b[1+n:]
	*m = Meta{ChangelogOffset: offset, Hash: binary.LittleEndian.Uint64(rest), Commit: append(m.Commit[:0], rest[8:]...)}
	return nil
}
