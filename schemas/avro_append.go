package schemas

import (
	"encoding/binary"
	"math"

	"cagnotte/pipeline/retail"
)

func appendLong(dst []byte, v int64) []byte {
	u := uint64(v<<1) ^ uint64(v>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

func appendStr[T ~string](dst []byte, s T) []byte {
	return append(appendLong(dst, int64(len(s))), s...)
}

// appendOptStr writes ["null", "string"]; the empty string is null.
func appendOptStr[T ~string](dst []byte, s T) []byte {
	if s == "" {
		return append(dst, 0)
	}
	return appendStr(append(dst, 2), s)
}

// appendOptInstant writes ["null", timestamp-millis]; zero is null.
func appendOptInstant(dst []byte, t retail.Instant) []byte {
	if t == 0 {
		return append(dst, 0)
	}
	return appendLong(append(dst, 2), int64(t))
}

// appendEnum writes a symbol's index; one outside the schema is written as the default, 0.
func appendEnum[T ~uint8](dst []byte, v T, symbols uint8) []byte {
	if uint8(v) >= symbols {
		v = 0
	}
	return append(dst, byte(v)<<1)
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendDouble(dst []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
}

// appendBlock opens an array or map of n items as one block; the caller appends the items and then appendEnd. An empty one needs only the end.
func appendBlock(dst []byte, n int) []byte {
	if n == 0 {
		return dst
	}
	return appendLong(dst, int64(n))
}

func appendEnd(dst []byte) []byte { return append(dst, 0) }
