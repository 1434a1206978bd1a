package loadtest

import (
	"math/rand/v2"
	"slices"
	"strings"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// product is one article of the demo range. Immutable once the catalog is built.
type product struct {
	gtin, sku, description string
	department, category   string
	brand                  string
	price                  money.Amount // of one piece, kilogram or litre, VAT included
	unit                   retail.Unit
	vatBP                  int32
	kind                   retail.LineKind
	ineligible             bool
	labels                 []string
	pieces                 int64 // most of a line; 0: see quantity
}

// shelf says what a category holds.
type shelf struct {
	category, department string
	names                []string
	brands               []string
	articles             int
	low, high            money.Amount // price range
	unit                 retail.Unit
	vatBP                int32
	weight               int // share of lines, per thousand
	kind                 retail.LineKind
	ineligible           bool
}

// shelves is the demo taxonomy. The weights are shares of receipt lines; they are those of an ordinary French supermarket, roughly.
func shelves() []shelf {
	const ea, kg, l = retail.Each, retail.Kilogram, retail.Litre
	sale := retail.SaleLine
	return []shelf{
		{"GROCERY/COFFEE/CAPSULES", "GROCERY", []string{"Capsules espresso", "Capsules lungo", "Capsules décaféiné"}, []string{"Arabelle", "Verdoyance", "Maison-Roche"}, 90, 249, 899, ea, 550, 45, sale, false},
		{"GROCERY/COFFEE/BEANS", "GROCERY", []string{"Café en grains", "Café moulu"}, []string{"Arabelle", "Maison-Roche"}, 60, 349, 1899, ea, 550, 30, sale, false},
		{"GROCERY/PASTA", "GROCERY", []string{"Spaghetti", "Penne", "Coquillettes"}, []string{"Bercail", "Maison-Roche", "Verdoyance"}, 80, 79, 329, ea, 550, 70, sale, false},
		{"GROCERY/ORGANIC/CEREALS", "GROCERY", []string{"Muesli bio", "Flocons d'avoine bio"}, []string{"Verdoyance"}, 60, 199, 699, ea, 550, 30, sale, false},
		{"GROCERY/ORGANIC/OILS", "GROCERY", []string{"Huile d'olive bio", "Huile de colza bio"}, []string{"Verdoyance", "Bercail"}, 40, 399, 1499, ea, 550, 20, sale, false},
		{"FRESH/DAIRY", "FRESH", []string{"Yaourts nature", "Beurre doux", "Lait demi-écrémé", "Comté"}, []string{"Bercail", "Verdoyance"}, 160, 89, 799, ea, 550, 150, sale, false},
		{"FRESH/FRUIT", "FRESH", []string{"Pommes", "Bananes", "Clémentines", "Raisin"}, []string{""}, 40, 149, 599, kg, 550, 110, sale, false},
		{"FRESH/MEAT", "FRESH", []string{"Blanc de poulet", "Steak haché", "Rôti de porc"}, []string{"Bercail", ""}, 70, 799, 2999, kg, 550, 70, sale, false},
		{"FRESH/BAKERY", "FRESH", []string{"Baguette tradition", "Pain complet", "Croissants"}, []string{""}, 30, 95, 449, ea, 550, 80, sale, false},
		{"BABY/NAPPIES", "BABY", []string{"Couches taille 3", "Couches taille 4"}, []string{"Petit-Pas", "Montcoton"}, 40, 899, 2799, ea, 2000, 20, sale, false},
		{"BABY/FORMULA", "BABY", []string{"Lait 1er âge", "Lait 2e âge"}, []string{"Petit-Pas"}, 30, 1299, 2299, ea, 550, 10, sale, false},
		{"HOUSEHOLD/CLEANING", "HOUSEHOLD", []string{"Lessive liquide", "Liquide vaisselle"}, []string{"Lavandine", "Maison-Roche"}, 90, 189, 1399, ea, 2000, 55, sale, false},
		{"HOUSEHOLD/PAPER", "HOUSEHOLD", []string{"Essuie-tout", "Papier toilette"}, []string{"Montcoton", "Maison-Roche"}, 50, 199, 899, ea, 2000, 40, sale, false},
		{"SCHOOL/STATIONERY", "SCHOOL", []string{"Cahier 96 pages", "Stylos bille"}, []string{"Cartable"}, 90, 99, 1299, ea, 2000, 25, sale, false},
		{"BEVERAGE/WATER", "BEVERAGE", []string{"Eau minérale 6 x 1,5 l", "Eau gazeuse"}, []string{"Sourcevive"}, 40, 69, 499, ea, 550, 60, sale, false},
		{"BEVERAGE/SODA", "BEVERAGE", []string{"Limonade", "Cola"}, []string{"Sourcevive", "Maison-Roche"}, 60, 99, 699, ea, 550, 45, sale, false},
		{"BEVERAGE/WINE", "BEVERAGE", []string{"Bordeaux rouge", "Côtes-du-rhône"}, []string{"Maison-Roche"}, 120, 299, 3999, ea, 2000, 30, sale, false},
		{"PET/FOOD", "PET", []string{"Croquettes chat", "Pâtée chien"}, []string{"Miaou"}, 60, 99, 2499, ea, 2000, 25, sale, false},
		{"BEAUTY/CARE", "BEAUTY", []string{"Shampooing", "Gel douche", "Crème mains"}, []string{"Lavandine", "Verdoyance"}, 110, 149, 1999, ea, 2000, 40, sale, false},
		{"CULTURE/BOOKS", "CULTURE", []string{"Roman de poche", "Bande dessinée"}, []string{""}, 120, 590, 2490, ea, 550, 10, sale, false},
		{"PETROL/FUEL", "PETROL", []string{"SP95-E10", "Gazole"}, []string{""}, 2, 159, 199, l, 2000, 8, sale, false},
		{"TOBACCO", "TOBACCO", []string{"Cigarettes"}, []string{""}, 20, 1050, 1300, ea, 2000, 6, sale, true},
		{"GIFTCARDS", "SERVICES", []string{"Carte cadeau"}, []string{""}, 5, 1000, 10000, ea, 0, 3, retail.GiftCard, true},
		{"BEVERAGE/WATER", "BEVERAGE", []string{"Consigne bouteille"}, []string{""}, 2, 20, 40, ea, 0, 10, retail.Deposit, false},
		{"", "SERVICES", []string{"Sac de caisse"}, []string{""}, 1, 15, 30, ea, 2000, 8, retail.Fee, false},
	}
}

// draws is how many slots the popularity table has; a power of two, so that a draw is a mask.
const draws = 1 << 13

// catalog is the demo range with a table to draw from it by popularity. Immutable.
type catalog struct {
	products []product
	table    [draws]uint16
}

// newCatalog builds the range. It is the same for every seed, so that campaigns can name its articles.
func newCatalog(shelves []Shelf, labelled bool) *catalog {
	c := &catalog{}
	rng := rand.New(rand.NewPCG(20261122, 1))
	total, spans := 0, [][3]int{}
	for i := range shelves {
		s := &shelves[i]
		first := len(c.products)
		for n := range s.Articles {
			c.products = append(c.products, article(rng, i, n, s))
			if labelled {
				c.products[len(c.products)-1].labels = labelsOf(s, n)
			}
		}
		spans = append(spans, [3]int{first, s.Articles, s.Weight})
		total += s.Weight
	}
	c.fill(rng, spans, total)
	return c
}

func article(rng *rand.Rand, shelfNo, n int, s *Shelf) product {
	p := product{
		sku: "A" + pad(shelfNo+1, 2) + pad(n, 4), department: s.Department, category: s.Category,
		description: s.Names[n%len(s.Names)],
		price:       s.Low + money.Amount(rng.Int64N(int64(s.High-s.Low)+1)),
		unit:        s.Unit, vatBP: s.VATBP, kind: s.Kind, ineligible: s.Excluded, labels: slices.Clip(s.Labels), pieces: s.Pieces,
	}
	if len(s.Brands) > 0 {
		p.brand = s.Brands[n%len(s.Brands)]
	}
	if p.brand != "" {
		p.description += " " + p.brand
	}
	if s.Unit == retail.Each && s.Kind == retail.SaleLine {
		p.gtin = gtin13(170000+shelfNo, n)
	}
	return p
}

// labelsOf marks what is organic, and the ecological class of four articles in five.
func labelsOf(s *Shelf, n int) []string {
	var out []string
	if strings.Contains(s.Category, "ORGANIC") || n%7 == 0 && s.Unit == retail.Each {
		out = append(out, "organic")
	}
	if n%5 > 0 {
		out = append(out, "eco-"+string(rune('a'+n%5-1)))
	}
	return out
}

// fill gives each shelf its share of the table, and inside a shelf the first articles more than the last.
func (c *catalog) fill(rng *rand.Rand, spans [][3]int, total int) {
	at := 0
	for i, sp := range spans {
		end := at + draws*sp[2]/total
		if i == len(spans)-1 {
			end = draws
		}
		for ; at < end; at++ {
			u := rng.Float64()
			c.table[at] = uint16(sp[0] + int(u*u*float64(sp[1])))
		}
	}
}

// draw picks an article by popularity from random bits.
func (c *catalog) draw(bits uint64) *product { return &c.products[c.table[bits&(draws-1)]] }
