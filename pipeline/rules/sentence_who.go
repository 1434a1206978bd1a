package rules

import "fmt"

// phrases are the words of a language for who a campaign is for and for what few campaigns say.
type phrases struct {
	event, segments, notSegments, consent, optIn, tiers, club, enrolled, birthday, birthdayDays, first, referred string
	label, shopsNot, coupon, expert                                                                              string
	budget, budgetEven, storeBudget                                                                              string
}

func englishPhrases() phrases {
	return phrases{
		event: "for each event “%s”", segments: "for members of %s", notSegments: "not for members of %s", consent: "for members who agreed to %s",
		optIn: "for members who activated it", tiers: "for the tiers %s", club: "for members of the club %s", enrolled: "within %d days of joining",
		birthday: "on the member's birthday", birthdayDays: "within %d days of the member's birthday", first: "on the first purchase",
		referred: "for members whom somebody brought", label: "label %s", shopsNot: "not in shops %s", coupon: "with the coupon %s", expert: "if %s",
		budget: "while the budget of %s lasts", budgetEven: "while the budget of %s lasts, released evenly over the time", storeBudget: "at most %s per shop%s",
	}
}

func frenchPhrases() phrases {
	return phrases{
		event: "pour chaque événement « %s »", segments: "pour les membres de %s", notSegments: "sauf les membres de %s", consent: "pour les membres qui ont accepté %s",
		optIn: "pour les membres qui l'ont activée", tiers: "pour les niveaux %s", club: "pour les membres du club %s", enrolled: "dans les %d jours qui suivent l'inscription",
		birthday: "le jour de l'anniversaire", birthdayDays: "à %d jours au plus de l'anniversaire", first: "au premier achat",
		referred: "pour les membres parrainés", label: "le label %s", shopsNot: "sauf les magasins %s", coupon: "avec le coupon %s", expert: "si %s",
		budget: "dans la limite d'un budget de %s", budgetEven: "dans la limite d'un budget de %s, libéré régulièrement sur la durée", storeBudget: "%s au plus par magasin%s",
	}
}

// audience says what the campaign is about, if not receipts, and which members it is for.
func (w *words) audience(c *Campaign) []string {
	var out []string
	p, who := &w.more, &c.Who
	list := func(format string, names []string, glue string) {
		if len(names) > 0 {
			out = append(out, fmt.Sprintf(format, w.some(names, glue)))
		}
	}
	when := func(on bool, text string) {
		if on {
			out = append(out, text)
		}
	}
	when(c.Event != "", fmt.Sprintf(p.event, c.Event))
	list(p.segments, who.Segments, w.or)
	list(p.notSegments, who.NotSegments, w.or)
	list(p.consent, who.Consent, w.and)
	when(who.OptIn, p.optIn)
	list(p.tiers, who.Tiers, w.or)
	when(who.Club != "", fmt.Sprintf(p.club, who.Club))
	when(who.EnrolledWithinDays > 0, fmt.Sprintf(p.enrolled, who.EnrolledWithinDays))
	when(who.BirthdayWithin && who.BirthdayWithinDays == 0, p.birthday)
	when(who.BirthdayWithinDays > 0, fmt.Sprintf(p.birthdayDays, who.BirthdayWithinDays))
	when(who.FirstReceipt, p.first)
	when(who.Referred, p.referred)
	return out
}
