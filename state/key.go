package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"cagnotte/pipeline/retail"
)

// keyVersion is the first byte of every key but the format's.
const keyVersion = 1

// Kinds of keys, the second byte.
const (
	kindAccount   = 'A'
	kindFootprint = 'F'
	kindMeta      = 'M'
	kindNote      = 'N'
	kindTimer     = 'T'
)

var errKey = errors.New("not a key of this kind")

func appendMetaKey(dst []byte) []byte { return append(dst, keyVersion, kindMeta) }

func appendAccountKey(dst []byte, id retail.AccountID) []byte {
	return append(append(dst, keyVersion, kindAccount), id...)
}

func decodeAccountKey(key []byte) (retail.AccountID, error) {
	rest, err := cutKind(key, kindAccount)
	return retail.AccountID(rest), err
}

// appendFootprintKey escapes the account, so that the receipt's start is unambiguous and the order is that of (account, receipt): a zero
// byte becomes 00 ff, and 00 01 ends the account.
func appendFootprintKey(dst []byte, id retail.AccountID, receipt retail.ReceiptID) []byte {
	dst = append(dst, keyVersion, kindFootprint)
	for i := range len(id) {
		dst = append(dst, id[i])
		if id[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(append(dst, 0, 1), receipt...)
}

func decodeFootprintKey(key []byte) (retail.AccountID, retail.ReceiptID, error) {
	rest, err := cutKind(key, kindFootprint)
	if err != nil {
		return "", "", err
	}
	var id []byte
	for {
		i := bytes.IndexByte(rest, 0)
		if i < 0 || i+1 >= len(rest) {
			return "", "", fmt.Errorf("footprint key %x: the account does not end: %w", key, errKey)
		}
		id = append(id, rest[:i]...)
		mark := rest[i+1]
		rest = rest[i+2:]
		switch mark {
		case 1:
			return retail.AccountID(id), retail.ReceiptID(rest), nil
		case 0xff:
			id = append(id, 0)
		default:
			return "", "", fmt.Errorf("footprint key %x: escape %#x: %w", key, mark, errKey)
		}
	}
}

// appendTimerKey orders by due instant, then account. The sign bit is flipped so that the order holds for every instant.
func appendTimerKey(dst []byte, due retail.Instant, id retail.AccountID) []byte {
	dst = append(dst, keyVersion, kindTimer)
	dst = binary.BigEndian.AppendUint64(dst, uint64(due)^1<<63)
	return append(dst, id...)
}

func decodeTimerKey(key []byte) (retail.Instant, retail.AccountID, error) {
	rest, err := cutKind(key, kindTimer)
	if err != nil {
		return 0, "", err
	}
	if len(rest) < 8 {
		return 0, "", fmt.Errorf("timer key %x: short: %w", key, errKey)
	}
	return retail.Instant(binary.BigEndian.Uint64(rest) ^ 1<<63), retail.AccountID(rest[8:]), nil
}

func cutKind(key []byte, kind byte) ([]byte, error) {
	if len(key) < 2 || key[0] != keyVersion || key[1] != kind {
		return nil, fmt.Errorf("key %x: want kind %q: %w", key, kind, errKey)
	}
	return key[2:], nil
}
