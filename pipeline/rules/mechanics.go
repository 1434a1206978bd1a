package rules

import (
	"slices"
	"strings"
)

// Mechanic is one thing that loyalty programmes do, and the documents that show it.
type Mechanic struct {
	Code     string // M1
	EN, FR   string
	Examples []string // ids of documents of the library and of the examples
}

// Mechanics returns the mechanics of retail cashback programmes in their order, each with the documents that are examples of it.
func Mechanics() []Mechanic {
	return []Mechanic{
		{"M1", "percentage by product, brand, category, period", "pourcentage par produit, marque, rayon, période", ids("brand-week-15 nappy-pack-20 back-to-school arabelle-15 lavandine-20 maison-roche-5 baby-brands-8 fruit-weekend bakery-morning evening-fresh school-start")},
		{"M2", "exclusions", "exclusions", ids("programme-base books-within-the-law ladder-50-100")},
		{"M3", "deferred credit", "crédit différé", ids("online-orders-3 nappies-20 coffee-week")},
		{"M4", "validity and expiry", "validité et expiration", ids("points-per-euro programme-base belgium-welcome pasta-three stars-terms")},
		{"M5", "burn at the till: minimum purchase, participating shops", "utilisation en caisse", ids("euros-terms")},
		{"M6", "challenges: count, spend, k of n, streaks", "défis : nombre, montant, k sur n, séries", ids("organic-week-challenge two-of-three-goals four-week-streak three-visits-in-seven-days organic-three-products")},
		{"M7", "punch cards: 9 + 1, 4 + 1, every 5th", "cartes à tampons", ids("coffee-9-plus-1 car-wash-card car-wash-4-plus-1 every-fifth-bottle")},
		{"M8", "thresholds, ladders, nth item, cheapest of a bundle", "paliers, lots, n-ième article", ids("ladder-50-100 basket-ladder three-for-two second-half-price pet-by-four household-four organic-spend-15 pet-three-euros")},
		{"M9", "points as well as euros", "des points et des euros", ids("points-per-euro double-points-tuesday double-euros-tuesday star-per-visit")},
		{"M10", "tiers", "niveaux", ids("bronze-silver-gold gold-extra-2")},
		{"M11", "segments, personal offers, activation in the app, coupons", "segments, offres personnelles, activation, coupons", ids("young-parents-10 coupon-3")},
		{"M12", "welcome, referral, birthday", "bienvenue, parrainage, anniversaire", ids("welcome-5 referral-sent referral-10 birthday-week drive-welcome")},
		{"M13", "paid club", "club payant", ids("vip-club-10")},
		{"M14", "solidarity cashback", "cashback solidaire", ids("charity-share")},
		{"M15", "eco bonus, recycling", "bonus écologique, recyclage", ids("eco-score-a recycling-bottles bulk-refill organic-bonus")},
		{"M16", "omnichannel", "tous les canaux", ids("drive-basket online-orders-3 beauty-online drive-welcome")},
		{"M17", "partner earn, staff earn", "partenaires, vendeurs", ids("partner-travel staff-sale-sent staff-sale-5")},
		{"M18", "games: badges, instant win", "jeux : badges, instant gagnant", ids("instant-win-20 badge-world-cook")},
		{"M19", "programme budgets and who funds them", "budgets et financement", ids("franchise-shared shop-budget-week store-birthday lavandine-20 instant-win-20")},
		{"M20", "caps per receipt, member, period, shop", "plafonds", ids("water-pack shop-budget-week brand-week-15 hyper-saturday")},
		{"M21", "reward catalogue: gifts for points", "catalogue de cadeaux", ids("points-terms")},
		{"M22", "notifications: expiry, progress", "notifications", ids("euros-terms four-week-streak")},
	}
}

func ids(list string) []string { return strings.Fields(list) }

// mechanicsOf finds what a file is an example of.
func mechanicsOf(file string) []string {
	id := strings.TrimSuffix(file, ".yaml")
	var out []string
	for _, m := range Mechanics() {
		if slices.Contains(m.Examples, id) {
			out = append(out, m.Code)
		}
	}
	return out
}
