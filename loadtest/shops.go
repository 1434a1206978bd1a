package loadtest

import (
	"math/rand/v2"

	"cagnotte/pipeline/retail"
)

// shop is one point of sale of the demo network. Immutable.
type shop struct {
	shop      retail.Shop
	region    string
	terminals int
	weight    int // share of the receipts
	lines     int // mean number of lines of a basket
}

func formats() []Format {
	return []Format{
		{Banner: "hyper", Share: 20, Terminals: 24, Weight: 60, Lines: 16}, {Banner: "super", Share: 50, Terminals: 8, Weight: 20, Lines: 12},
		{Banner: "proxi", Share: 30, Terminals: 3, Weight: 8, Lines: 6},
	}
}

func regions() []string {
	return []string{"Île-de-France", "Bretagne", "Occitanie", "Auvergne-Rhône-Alpes", "Hauts-de-France", "Nouvelle-Aquitaine", "Grand Est", "Wallonie"}
}

// network is the shops with a table to draw one by its size. Immutable.
type network struct {
	shops []shop
	table []uint16
}

// newNetwork makes n shops S001... of mixed formats; those of the last region are in Belgium.
func newNetwork(n int, t *Trade) *network {
	rng := rand.New(rand.NewPCG(20261122, 2))
	net := &network{}
	kinds, prefix := formats(), "S"
	if t != nil {
		kinds, prefix = t.Formats, t.Prefix
	}
	for i := range n {
		f := pickFormat(kinds, rng.IntN(100))
		r := regions()[i%len(regions())]
		s := shop{region: r, terminals: max(f.Terminals, 1), weight: 1 + f.Weight/2 + rng.IntN(max(f.Weight, 1)), lines: max(f.Lines, 1)}
		s.shop = retail.Shop{ID: retail.ShopID(prefix + pad(i+1, 3)), GLN: gln(i), Banner: f.Banner, Country: "FR"}
		switch {
		case f.Country != "":
			s.shop.Country = f.Country
		case t == nil && r == "Wallonie":
			s.shop.Country = "BE"
		}
		net.shops = append(net.shops, s)
		for range s.weight {
			net.table = append(net.table, uint16(i))
		}
	}
	return net
}

func pickFormat(kinds []Format, roll int) Format {
	for _, f := range kinds {
		if roll < f.Share {
			return f
		}
		roll -= f.Share
	}
	return kinds[0]
}

func gln(i int) string {
	body := "30201" + pad(i, 7)
	return body + string('0'+checkDigit(body))
}

func (n *network) draw(bits uint64) *shop {
	return &n.shops[n.table[bits%uint64(len(n.table))]]
}
