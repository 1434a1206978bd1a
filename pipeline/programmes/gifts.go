package programmes

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/rules"
)

// Gift is one line of a reward catalogue.
type Gift struct {
	ID       string
	Category string
	Name     Text
	Points   money.Amount // two decimals, as every wallet
}

const giftsFile = "gifts.csv"

// parseGifts reads the catalogue: id, category, name_fr, name_en, points, with a head line.
func parseGifts(data []byte) ([]Gift, error) {
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", giftsFile, err)
	}
	if len(rows) == 0 || strings.Join(rows[0], ",") != "id,category,name_fr,name_en,points" {
		return nil, fmt.Errorf("%s: want the head line id,category,name_fr,name_en,points", giftsFile)
	}
	seen := map[string]bool{}
	var out []Gift
	for i, row := range rows[1:] {
		points, err := money.Parse(row[4])
		if err != nil || points <= 0 || row[0] == "" || seen[row[0]] {
			return nil, fmt.Errorf("%s:%d: want an id of its own and points above 0, found %s and %s", giftsFile, i+2, row[0], row[4])
		}
		seen[row[0]] = true
		out = append(out, Gift{ID: row[0], Category: row[1], Name: Text{FR: row[2], EN: row[3]}, Points: points})
	}
	return out, nil
}

// checkGifts wants what members take in the demo stream and in the examples to be in the catalogue, for the points it says.
func (p *Programme) checkGifts(r *Report) {
	points, taken, wrong := map[string]money.Amount{}, 0, []string(nil)
	for _, g := range p.Gifts {
		points[g.ID] = g.Points
	}
	take := func(where, gift string, paid money.Amount) {
		taken++
		if want, ok := points[gift]; !ok || want != paid {
			wrong = append(wrong, fmt.Sprintf("%s takes %s for %v, the catalogue has it for %v", where, gift, paid, want))
		}
	}
	for i := range p.About.Stream.Events {
		e := &p.About.Stream.Events[i]
		for _, gift := range e.Attributes["gift"] {
			for _, paid := range e.Amount {
				take("the demo stream", gift, money.Amount(paid))
			}
		}
	}
	for _, c := range p.Campaigns {
		for i := range c.Tests {
			for j := range c.Tests[i].Steps {
				if gift, paid := giftOf(&c.Tests[i].Steps[j]); gift != "" {
					take(c.ID, gift, paid)
				}
			}
		}
	}
	if taken > 0 || len(p.Gifts) > 0 {
		detail := fmt.Sprintf("%d gifts, %d taken", len(p.Gifts), taken)
		r.check("gifts", taken > 0 && len(wrong) == 0, strings.Join(append([]string{detail}, wrong...), "; "))
	}
}

// giftOf is the gift that a step takes, and what is paid for it.
func giftOf(s *rules.TestStep) (gift string, paid money.Amount) {
	for _, a := range s.Receipt.Attributes {
		switch a.Key {
		case "gift":
			gift = a.Value
		case "amount":
			paid, _ = money.Parse(a.Value) // the document was read: it is an amount
		}
	}
	return gift, paid
}
