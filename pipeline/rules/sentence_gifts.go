package rules

import (
	"fmt"
	"strings"

	"cagnotte/pipeline/money"
)

// giftWords are the words of a language for rewards that few campaigns have.
type giftWords struct {
	points, times, draw, notice, badge, badgeToo, donate, wallet, asPoints string
	to                                                                     [3]string
	point                                                                  [2]string // up to one, more
}

func englishGifts() giftWords {
	return giftWords{
		points: "%s for every %s", times: "%s times what %s give", draw: "a chance of %s to win %s", notice: "the event “%s” goes to %s", to: [3]string{"nobody", "who brought the member", "the till's operator"},
		badge: "the badge “%s”", badgeToo: "with the badge “%s”", donate: "%s of it goes to %s", wallet: "%s “%s”", asPoints: "into the wallet “%s”", point: [2]string{" point", " points"},
	}
}

func frenchGifts() giftWords {
	return giftWords{
		points: "%s par tranche de %s", times: "%s fois ce que donnent %s", draw: "%s de chances de gagner %s", notice: "l'événement « %s » est envoyé à %s", to: [3]string{"personne", "celui qui a parrainé le membre", "l'opérateur de la caisse"},
		badge: "le badge « %s »", badgeToo: "avec le badge « %s »", donate: "%s en sont donnés à %s", wallet: "%s « %s »", asPoints: "dans le porte-monnaie « %s »", point: [2]string{" point", " points"},
	}
}

// gain prints what is given: euros, or an amount of a wallet.
func (w *words) gain(a money.Amount) string {
	if w.into == "" {
		return w.amount(a)
	}
	s := strings.Replace(strings.TrimSuffix(a.String(), ".00"), ".", w.decimal, 1)
	if w.into == "points" { // a word of both languages; other wallets are names
		return s + w.gifts.point[min(max(a-100, 0), 1)]
	}
	return fmt.Sprintf(w.gifts.wallet, s, w.into)
}

// gift says a reward of a further kind.
func (w *words) gift(r *Reward) string {
	g := &w.gifts
	switch {
	case r.Points.Get != 0:
		return fmt.Sprintf(g.points, w.gain(r.Points.Get), w.amount(r.Points.For))
	case r.Times.Hundredths != 0:
		return fmt.Sprintf(g.times, strings.Replace(formatScaled(r.Times.Hundredths, 2), ".", w.decimal, 1), w.some(r.Times.Of, w.and))
	case r.Draw.Prize != 0:
		return fmt.Sprintf(g.draw, w.share(int64(r.Draw.Chance), 4), w.gain(r.Draw.Prize))
	case r.Notice.Kind != "":
		return fmt.Sprintf(g.notice, r.Notice.Kind, g.to[r.Notice.To%3])
	}
	return fmt.Sprintf(g.badge, r.Badge)
}

// accompany says what comes with a reward.
func (w *words) accompany(r *Reward) []string {
	var out []string
	if r.Percent != 0 && r.Wallet != "" {
		out = append(out, fmt.Sprintf(w.gifts.asPoints, r.Wallet))
	}
	if r.Badge != "" && (r.Valued() || r.Notice.Kind != "") {
		out = append(out, fmt.Sprintf(w.gifts.badgeToo, r.Badge))
	}
	if r.Donate.Rate != 0 {
		out = append(out, fmt.Sprintf(w.gifts.donate, w.share(int64(r.Donate.Rate), 4), r.Donate.Party))
	}
	return out
}
