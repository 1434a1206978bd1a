package catalog

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"cagnotte/pipeline/measure"
)

// Bounds of a data set, after unpacking.
const (
	maxDataBytes = 64 << 20
	maxDataRows  = 2_000_000
)

// frame is a data set in memory: columns by name, as text.
type frame struct {
	name   string
	header []string
	cells  [][]string
}

// dataPath reads a field with the path of a data set. shared/data/ in front is how the published vectors write the root.
func (f *fields) dataPath(name string) string {
	p := f.text(name, "the path of a data set below the data directory, as shared/data/cdnow/cdnow_customers_summary.csv")
	p = strings.TrimPrefix(p, "shared/data/")
	if p != "" && !fs.ValidPath(p) {
		f.shared.fail(join(f.path, name), "a path below the data directory, without .. and without / in front", strconv.Quote(p))
	}
	return p
}

// DataError says why a data set could not be used.
type DataError struct {
	Name string // of the file, below the data directory
	Err  error
}

// Error names the file.
func (e *DataError) Error() string { return fmt.Sprintf("data set %s: %v", e.Name, e.Err) }

// Unwrap returns the error inside.
func (e *DataError) Unwrap() error { return e.Err }

// table reads a CSV file, gzipped when its name says so. The columns that the caller needs must be there.
func (r *reading) table(name string, columns ...string) (*frame, error) {
	if r.data == nil {
		return nil, &DataError{name, errors.New("no data directory was given")}
	}
	file, err := r.data.Open(path.Clean(name))
	if err != nil {
		return nil, &DataError{name, err}
	}
	defer file.Close()
	out, err := readFrame(name, file)
	if err != nil {
		return nil, &DataError{name, err}
	}
	for _, c := range columns {
		if !slices.Contains(out.header, c) {
			return nil, &DataError{name, fmt.Errorf("no column %q (there are: %s)", c, strings.Join(out.header, ", "))}
		}
	}
	return out, nil
}

func readFrame(name string, file io.Reader) (*frame, error) {
	var in io.Reader = bufio.NewReader(file)
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		defer z.Close()
		in = z
	}
	bounded := &io.LimitedReader{R: in, N: maxDataBytes + 1}
	comma, text, err := separator(bounded)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(text)
	rows.Comma = comma
	out := &frame{name: name}
	for {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF) && out.header == nil:
			return nil, errors.New("empty")
		case bounded.N <= 0:
			return nil, fmt.Errorf("more than %d bytes", maxDataBytes)
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case out.header == nil:
			out.header = row
		case len(out.cells) >= maxDataRows:
			return nil, fmt.Errorf("more than %d rows", maxDataRows)
		default:
			out.cells = append(out.cells, row)
		}
	}
}

// separator is the comma, or a blank or tab when the header has no comma, as R writes tables.
func separator(in io.Reader) (rune, io.Reader, error) {
	text := bufio.NewReaderSize(in, 4096)
	head, err := text.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return ',', text, err
	}
	line, _, _ := strings.Cut(string(head), "\n")
	for _, comma := range []rune{',', ';', '\t', ' '} {
		if strings.ContainsRune(line, comma) {
			return comma, text, nil
		}
	}
	return ',', text, nil
}

func (f *frame) at(column string) int { return slices.Index(f.header, column) }

// words returns a column as text.
func (f *frame) words(column string) []string {
	at := f.at(column)
	out := make([]string, len(f.cells))
	for i, row := range f.cells {
		out[i] = row[at]
	}
	return out
}

// numbers returns a column as numbers, and beside it which rows have none (empty or NA). Anything else that is no finite number is an error.
func (f *frame) numbers(column string) (values []float64, missing []bool, err error) {
	at := f.at(column)
	values, missing = make([]float64, len(f.cells)), make([]bool, len(f.cells))
	for i, row := range f.cells {
		cell := strings.TrimSpace(row[at])
		if cell == "" || cell == "NA" {
			missing[i] = true
			continue
		}
		if values[i], err = strconv.ParseFloat(cell, 64); err != nil || !measure.Finite(values[i]) {
			return nil, nil, &DataError{f.name, fmt.Errorf("row %d, column %s: want a number, got %q", i+2, column, cell)}
		}
	}
	return values, missing, nil
}

// complete returns a column in which no number may be missing.
func (f *frame) complete(column string) ([]float64, error) {
	values, missing, err := f.numbers(column)
	if err != nil {
		return nil, err
	}
	if i := slices.Index(missing, true); i >= 0 {
		return nil, &DataError{f.name, fmt.Errorf("row %d, column %s: want a number, got none", i+2, column)}
	}
	return values, nil
}
