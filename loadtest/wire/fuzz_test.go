package wire

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzDecode reads any bytes as a receipt. Goal: no panic, no memory that hostile bytes merely claim, and of every value that both libraries read a
// message that holds. Where one of them is lenient (a boolean that is neither 0 nor 1 is true to the first) the audit must stop and say so.
func FuzzDecode(f *testing.F) {
	text := schemaText(f, "receipt.v3.avsc")
	good := encoded(f, text)[5:]
	f.Add(good)
	twice := slices.Clone(good[:len(good)-len("\x02\x0aevent\x0aenrol\x00")])
	f.Add(append(twice, "\x04\x0aevent\x0aenrol\x0aevent\x0aenrol\x00"...))
	f.Add(append(slices.Clone(good[:len(good)-len("\x02\x0aevent\x0aenrol\x00")]), "\xfe\xff\xff\xff\x0f\x00"...)) // 2^31 attributes
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var m Receipt
		err := reader(t, text).Decode(append([]byte{0, 0, 0, 0, 7}, body...), &m) // the first value of a reader is always confirmed
		if err != nil && !errors.Is(err, ErrUnreadable) && !strings.Contains(err.Error(), "disagree") {
			t.Fatal(err)
		}
		if _, bad := json.Marshal(m); err == nil && bad != nil {
			t.Fatal(bad)
		}
	})
}
