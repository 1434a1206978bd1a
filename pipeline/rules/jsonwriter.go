package rules

import (
	"bytes"
	"encoding/json"

	"cagnotte/pipeline/money"
)

// jsonWriter writes keys in the order it is told. Empty texts, zero numbers, empty lists and empty groups are left out.
type jsonWriter struct {
	b     bytes.Buffer
	first bool
}

func (w *jsonWriter) object(body func()) {
	outer := w.first
	w.b.WriteByte('{')
	w.first = true
	body()
	w.b.WriteByte('}')
	w.first = outer
}

func (w *jsonWriter) key(name string, value func()) {
	if !w.first {
		w.b.WriteByte(',')
	}
	w.first = false
	w.text(name)
	w.b.WriteByte(':')
	value()
}

func (w *jsonWriter) raw(name, number string) { w.key(name, func() { w.b.WriteString(number) }) }

func (w *jsonWriter) str(name, s string) {
	if s != "" {
		w.key(name, func() { w.text(s) })
	}
}

// group writes an object unless nothing is in it.
func (w *jsonWriter) group(name string, body func()) {
	length, first := w.b.Len(), w.first
	w.key(name, func() { w.object(body) })
	if b := w.b.Bytes(); b[len(b)-2] == '{' {
		w.b.Truncate(length)
		w.first = first
	}
}

func (w *jsonWriter) amount(name string, a money.Amount) {
	if a != 0 {
		w.raw(name, a.String())
	}
}

func (w *jsonWriter) optional(name string, a *money.Amount) {
	if a != nil {
		w.raw(name, a.String())
	}
}

func (w *jsonWriter) number(name string, v int64) {
	if v != 0 {
		w.raw(name, itoa(v))
	}
}

func (w *jsonWriter) scaled(name string, v int64, decimals int) {
	if v != 0 {
		w.raw(name, formatScaled(v, decimals))
	}
}

func (w *jsonWriter) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	w.key(name, func() {
		w.b.WriteByte('[')
		for i, v := range values {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.text(v)
		}
		w.b.WriteByte(']')
	})
}

func (w *jsonWriter) array(name string, n int, element func(i int)) {
	w.key(name, func() {
		w.b.WriteByte('[')
		for i := range n {
			if i > 0 {
				w.b.WriteByte(',')
			}
			w.object(func() { element(i) })
		}
		w.b.WriteByte(']')
	})
}

// text writes a JSON string that is also a YAML double-quoted one: other characters than quotes and controls stand for themselves.
func (w *jsonWriter) text(s string) {
	enc := json.NewEncoder(&w.b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)           // a string into a buffer cannot fail
	w.b.Truncate(w.b.Len() - 1) // the encoder's newline
}
