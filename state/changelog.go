package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"cagnotte/pipeline/retail"
)

// A changelog value is what one commit did to one account: a version byte, the number of new footprints, each as receipt and value with
// their lengths, and then the account's encoding up to the end.
const changelogVersion = 1

var (
	errChangelog = errors.New("not a changelog value of a known version")
	// ErrHash says that the changelog, read again, is not what was written: the values of a commit do not give its hash.
	ErrHash = errors.New("running hash of the changelog differs from its COMMIT record")
)

func (p *Partition) appendChangelogValue(dst []byte, s *Slot) []byte {
	dst = append(dst, changelogVersion)
	n := 0
	for i := s.firstPrint; i >= 0; i = p.prints.entries[i].next {
		n++
	}
	dst = binary.AppendUvarint(dst, uint64(n))
	for i := s.firstPrint; i >= 0; i = p.prints.entries[i].next {
		e := &p.prints.entries[i]
		dst = appendBytes(dst, p.prints.receipt(e))
		dst = appendBytes(dst, p.prints.value(e))
	}
	return dst
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// walkChangelogValue calls footprint for each footprint and returns the account's encoding. Everything aliases value.
func walkChangelogValue(value []byte, footprint func(receipt, print []byte)) (account []byte, err error) {
	if len(value) == 0 || value[0] != changelogVersion {
		return nil, fmt.Errorf("changelog value %.16x: %w", value, errChangelog)
	}
	n, rest, ok := cutUvarint(value[1:])
	for ; ok && n > 0; n-- {
		var receipt, print []byte
		if receipt, rest, ok = cutBytes(rest); !ok {
			break
		}
		if print, rest, ok = cutBytes(rest); ok {
			footprint(receipt, print)
		}
	}
	if !ok || len(rest) == 0 {
		return nil, fmt.Errorf("changelog value %.16x: ends early: %w", value, errChangelog)
	}
	return rest, nil
}

func cutUvarint(b []byte) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

func cutBytes(b []byte) (part, rest []byte, ok bool) {
	n, rest, ok := cutUvarint(b)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// chain folds one more record (key and value, one after another) into the running hash. The order of records matters.
func chain(hash, record uint64) uint64 {
	return (bits.RotateLeft64(hash, 31) ^ record) * 0x9e3779b185ebca87
}

// Apply takes one changelog record of an account, or a note, during a restore. Records of one commit are buffered in the overlay until ApplyCommit.
// The arguments are not kept. After an error, Abort drops the group.
func (p *Partition) Apply(changelogKey, changelogValue []byte) error {
	if len(changelogValue) > 0 && changelogValue[0] == noteVersion {
		p.PutNote(string(changelogKey), changelogValue[1:])
	} else if err := p.applyAccount(changelogKey, changelogValue); err != nil {
		return err
	}
	p.digest.Reset()
	_, _ = p.digest.Write(changelogKey)
	_, _ = p.digest.Write(changelogValue)
	p.applied = chain(p.applied, p.digest.Sum64())
	return nil
}

func (p *Partition) applyAccount(changelogKey, changelogValue []byte) error {
	id := retail.AccountID(changelogKey)
	s, err := p.Account(id)
	if err != nil {
		return err
	}
	p.Touch(s)
	account, err := walkChangelogValue(changelogValue, func(receipt, print []byte) {
		p.PutFootprint(s, retail.ReceiptID(receipt), print)
	})
	if err != nil {
		return fmt.Errorf("apply %q: %w", id, err)
	}
	if err := s.Account.Decode(account); err != nil {
		return fmt.Errorf("apply %q: %w", id, err)
	}
	return nil
}

// ApplyCommit ends a group of applied records. It checks their hash against meta.Hash (ErrHash: the group is dropped, the partition as
// it was) and makes them committed: visible, and durable with the next flush, always as a whole. Memory stays bounded, as it flushes when
// FlushBytes are dirty; call Flush at the end of a restore.
func (p *Partition) ApplyCommit(meta Meta) error {
	if p.applied != meta.Hash {
		got := p.applied
		if err := p.Abort(); err != nil {
			return err
		}
		return fmt.Errorf("changelog before offset %d: hash %016x, recorded %016x: %w", meta.ChangelogOffset, got, meta.Hash, ErrHash)
	}
	p.Stage(nil)
	p.staged = meta.Hash // values are as written; their order of first touch may differ within a group that names an account twice
	p.Commit(meta)
	if p.DirtyBytes() < FlushBytes {
		return nil
	}
	return p.Flush(false)
}
