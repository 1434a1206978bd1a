package cluster

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// The fake broker's state logs are framed entries: length and sum (both little endian, 4 bytes), version (2 bytes), JSON.
const (
	frameHeader  = 8
	frameVersion = 1
)

// pidEntry is the entry of the producers' log that tells a producer's epoch.
type pidEntry struct {
	Type    string `json:"type"`
	PID     int64  `json:"pid"`
	Epoch   int16  `json:"epoch"`
	TxID    string `json:"txid,omitempty"`
	Timeout int32  `json:"timeout,omitempty"`
	Commit  *bool  `json:"commit,omitempty"`
}

// cutLog removes a half-written last entry: the broker would append behind it and never read further.
func cutLog(path string) error {
	_, err := readLog(path)
	return err
}

// readLog returns the entries of a state log, after cutting off what is not whole.
func readLog(path string) ([][]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	at := 0
	for at+frameHeader+2 <= len(raw) {
		length := int(binary.LittleEndian.Uint32(raw[at:]))
		if length < 2 || length > len(raw)-at-frameHeader {
			break
		}
		body := raw[at+frameHeader : at+frameHeader+length]
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(raw[at+4:]) {
			break
		}
		entries = append(entries, body[2:])
		at += frameHeader + length
	}
	if at < len(raw) {
		return entries, os.Truncate(path, int64(at))
	}
	return entries, nil
}

// bumpEpochs gives the producers of decided transactions an epoch above the one they used.
func bumpEpochs(path string, decided map[txn]bool) error {
	entries, err := readLog(path)
	if err != nil || len(decided) == 0 {
		return err
	}
	known := map[int64]pidEntry{}
	for _, raw := range entries {
		var e pidEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("producers' log: %w", err)
		}
		if e.Type != "init" { // only init names the transactional id
			old := known[e.PID]
			e.TxID, e.Timeout = old.TxID, old.Timeout
		}
		known[e.PID] = e
	}
	changed := map[int64]bool{}
	for id, commit := range decided {
		e, ok := known[id.producer]
		if !ok {
			continue // never initialised on this broker: nothing that could go on
		}
		e.Type, e.Commit, e.Epoch = "init", &commit, max(e.Epoch, id.epoch+1)
		known[id.producer], changed[id.producer] = e, true
	}
	return appendEntries(path, known, changed)
}

func appendEntries(path string, known map[int64]pidEntry, changed map[int64]bool) error {
	var frames []byte
	for pid := range changed {
		var err error
		if frames, err = appendFrame(frames, known[pid]); err != nil {
			return err
		}
	}
	if len(frames) == 0 {
		return nil
	}
	return appendFile(path, frames)
}

func appendFrame(dst []byte, e pidEntry) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	body := append(binary.LittleEndian.AppendUint16(nil, frameVersion), data...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	return append(dst, body...), nil
}
