package explain

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed texts/*.json
var textFiles embed.FS

// Languages that explanations are given in, the first is the default.
const (
	French  = "fr"
	English = "en"
)

// words is one language: its texts and how it writes numbers and dates. Immutable once loaded.
type words struct {
	lang     string
	texts    map[string]string
	decimal  string
	group    string
	money    string // of an amount and its symbol
	percent  string
	months   [12]string
	weekdays [7]string // from Monday
	manyFrom int64     // the first count that takes the plural
}

func loadWords(lang string) (*words, error) {
	w := english()
	if lang == French {
		w = french()
	}
	raw, err := textFiles.ReadFile("texts/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("explain: texts: %w", err)
	}
	if err := json.Unmarshal(raw, &w.texts); err != nil {
		return nil, fmt.Errorf("explain: texts/%s.json: %w", lang, err)
	}
	return w, nil
}

// Spaces of typography: thin groups of three, and one that a line does not break at.
const (
	thin     = "\u202f"
	unbroken = "\u00a0"
)

func english() *words {
	return &words{
		lang: English, decimal: ".", group: ",", money: "{symbol}{amount}", percent: "{n}%", manyFrom: 2,
		months:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		weekdays: [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
	}
}

func french() *words {
	return &words{
		lang: French, decimal: ",", group: thin, money: "{amount}" + unbroken + "{symbol}", percent: "{n}" + unbroken + "%", manyFrom: 2,
		months:   [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		weekdays: [7]string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"},
	}
}

func (w *words) has(key string) bool {
	_, ok := w.texts[key]
	return ok
}

// say returns a text with its variables filled in: pairs of name and value. A text that is missing shows its key; a test sees to it that none is.
func (w *words) say(key string, pairs ...string) string {
	text, ok := w.texts[key]
	if !ok {
		return key
	}
	return fill(text, pairs...)
}

// count chooses between key.one and key.other, and gives the text the number as {n}, beside other variables.
func (w *words) count(key string, n int64, pairs ...string) string {
	form := ".one"
	if n >= w.manyFrom || n == 0 && w.lang == English {
		form = ".other"
	}
	return w.say(key+form, append(pairs, "n", w.number(n))...)
}

// first returns the first of the keys that has a text, "" when none has.
func (w *words) first(keys ...string) string {
	for _, k := range keys {
		if w.has(k) {
			return k
		}
	}
	return ""
}

// fill replaces {name} by its value. Values are not looked at again, so what a till sent cannot become a variable.
func fill(text string, pairs ...string) string {
	old := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		old = append(old, "{"+pairs[i]+"}", pairs[i+1])
	}
	return strings.NewReplacer(old...).Replace(text)
}
