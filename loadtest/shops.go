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

// format is a kind of shop: its banner, how often it occurs, and what its baskets look like.
type format struct {
	banner    string
	share     int // of 100 shops
	terminals int
	weight    int
	lines     int
}

func formats() []format {
	return []format{{"hyper", 20, 24, 60, 16}, {"super", 50, 8, 20, 12}, {"proxi", 30, 3, 8, 6}}
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
func newNetwork(n int) *network {
	rng := rand.New(rand.NewPCG(20261122, 2))
	net := &network{}
	for i := range n {
		f := pickFormat(rng.IntN(100))
		r := regions()[i%len(regions())]
		s := shop{region: r, terminals: f.terminals, weight: 1 + f.weight/2 + rng.IntN(f.weight), lines: f.lines}
		s.shop = retail.Shop{ID: retail.ShopID("S" + pad(i+1, 3)), GLN: gln(i), Banner: f.banner, Country: "FR"}
		if r == "Wallonie" {
			s.shop.Country = "BE"
		}
		net.shops = append(net.shops, s)
		for range s.weight {
			net.table = append(net.table, uint16(i))
		}
	}
	return net
}

func pickFormat(roll int) format {
	for _, f := range formats() {
		if roll < f.share {
			return f
		}
		roll -= f.share
	}
	return formats()[0]
}

func gln(i int) string {
	body := "30201" + pad(i, 7)
	return body + string('0'+checkDigit(body))
}

func (n *network) draw(bits uint64) *shop {
	return &n.shops[n.table[bits%uint64(len(n.table))]]
}
