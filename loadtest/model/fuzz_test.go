package model

import "testing"

// FuzzParse reads any bytes as a campaign and as limits of the law. Goal: no panic, or an auditor dies of a document that the product merely refuses; and
// what is read is whole: a campaign, or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte("id: a\nversion: 1\nwindow: {from: 2026-01-01, to: 2026-12-31, tz: Europe/Paris, weekdays: [tue], hours: \"08:00-21:00\"}\nreward: {percent: 10, max_per_receipt: 5}\n"))
	f.Add([]byte(`{"id":"a","reward":{"ladder":[{"spend":10,"get":1}]},"validity":{"pending":"48h"},"funding":[{"by":"retailer","share":100}]}`))
	f.Add([]byte("a: &x [*x]\n<<: {b: !!str c}\n"))
	f.Add([]byte("id: a\nwindow: {tz: ../../etc/passwd, from: 99999-13-40}\nreward: {percent: 9999999999999999999}\n"))
	f.Add([]byte("id: 'a\nversion: [1\n"))
	f.Add(ShippedGuardrails())
	f.Fuzz(func(t *testing.T, doc []byte) {
		if c, err := Parse(doc); (c == nil) == (err == nil) || c != nil && len(c.IDs()) != 1 {
			t.Fatalf("campaigns %+v with %v", c, err)
		}
		if err := new(Campaigns).Guard(doc); err != nil && err.Error() == "" {
			t.Fatal("an error without a word")
		}
	})
}
