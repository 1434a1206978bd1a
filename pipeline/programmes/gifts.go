package programmes

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"

	"cagnotte/pipeline/money"
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
