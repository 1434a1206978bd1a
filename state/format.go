package state

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
)

// FormatVersion is the version of the keys and values that this program writes.
const FormatVersion = 1

const formatKey = "\x00format"

// ErrFormat says that a database was written in a format this program does not read.
var ErrFormat = errors.New("unknown format of the state directory")

// checkFormat marks a new database with the format, and refuses one of another.
func checkFormat(db *pebble.DB) error {
	value, closer, err := db.Get([]byte(formatKey))
	if errors.Is(err, pebble.ErrNotFound) {
		return initFormat(db)
	}
	if err != nil {
		return fmt.Errorf("read format: %w", err)
	}
	defer func() { _ = closer.Close() }()
	version, err := strconv.Atoi(string(value))
	switch {
	case err != nil:
		return fmt.Errorf("format %q: %w", value, ErrFormat)
	case version > FormatVersion:
		return fmt.Errorf("format %d is newer than %d: run the program that wrote it, or delete the directory to have it rebuilt from the changelog: %w", version, FormatVersion, ErrFormat)
	case version < FormatVersion:
		return fmt.Errorf("format %d is older than %d and has no upgrade: delete the directory to have it rebuilt from the changelog: %w", version, FormatVersion, ErrFormat)
	}
	return nil
}

func initFormat(db *pebble.DB) error {
	it, err := db.NewIter(nil)
	if err != nil {
		return fmt.Errorf("look for data: %w", err)
	}
	used := it.First()
	if err := it.Close(); err != nil {
		return fmt.Errorf("look for data: %w", err)
	}
	if used {
		return fmt.Errorf("the database has data and no format: it is not ours: %w", ErrFormat)
	}
	if err := db.Set([]byte(formatKey), strconv.AppendInt(nil, FormatVersion, 10), pebble.Sync); err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	return nil
}
