package explain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"cagnotte/pipeline/money"
	"cagnotte/pipeline/retail"
)

// number writes a count with its thousands apart.
func (w *words) number(n int64) string {
	if n < 0 {
		return "−" + w.number(-n)
	}
	return w.grouped(strconv.FormatInt(n, 10))
}

func (w *words) grouped(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + w.group + digits[i:]
	}
	return digits
}

// symbol returns how a currency is written beside an amount.
func (w *words) symbol(currency string) string {
	switch currency {
	case "", "EUR":
		return "€"
	case "GBP":
		return "£"
	case "USD":
		return "$"
	}
	if w.lang == English {
		return currency + unbroken
	}
	return currency
}

// amount writes money with two decimals.
func (w *words) amount(a money.Amount, currency string) string {
	whole, cents, _ := strings.Cut(a.Abs().String(), ".")
	text := fill(w.money, "amount", w.grouped(whole)+w.decimal+cents, "symbol", w.symbol(currency))
	if a < 0 {
		return "−" + text
	}
	return text
}

// inWallet writes an amount of a wallet that is no money: 315 points, 12.50 “miles”. Points are a word of the language, other wallets are names.
func (w *words) inWallet(a money.Amount, wallet string) string {
	whole, part, _ := strings.Cut(a.Abs().String(), ".")
	text := w.grouped(whole)
	if part != "00" {
		text += w.decimal + part
	}
	if a < 0 {
		text = "−" + text
	}
	if key := "format.wallet." + wallet; w.has(key + ".other") {
		return w.count(key, int64((a.Abs()+99)/100), "amount", text)
	}
	return w.say("format.wallet", "amount", text, "wallet", wallet)
}

// milli writes thousandths without the zeros at the end.
func (w *words) milli(v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "−", -v
	}
	text := w.grouped(strconv.FormatInt(v/1000, 10))
	if rest := strings.TrimRight(fmt.Sprintf("%03d", v%1000), "0"); rest != "" {
		text += w.decimal + rest
	}
	return sign + text
}

// share writes a rate as a percentage without the zeros at the end.
func (w *words) share(ppm int64) string {
	text := strconv.FormatInt(ppm/10_000, 10)
	if rest := strings.TrimRight(fmt.Sprintf("%04d", ppm%10_000), "0"); rest != "" {
		text += w.decimal + rest
	}
	return fill(w.percent, "n", text)
}

// moment writes an instant in a zone: Tuesday 1 December 2026 at 18:04.
func (w *words) moment(t retail.Instant, loc *time.Location) string {
	at := local(t, loc)
	day := strconv.Itoa(at.Day())
	if w.lang == French && at.Day() == 1 {
		day = "1er"
	}
	return w.say("format.moment", "weekday", w.weekday(at), "day", day, "month", w.months[at.Month()-1], "year", strconv.Itoa(at.Year()), "time", w.clock(at))
}

func (w *words) weekday(at time.Time) string { return w.weekdays[(int(at.Weekday())+6)%7] }

// clock writes the time of day: 18:04, in French 18 h 04.
func (w *words) clock(at time.Time) string {
	if w.lang == French {
		return fmt.Sprintf("%d%sh%s%02d", at.Hour(), unbroken, unbroken, at.Minute())
	}
	return at.Format("15:04")
}

// minuteOfDay writes minutes since midnight as a time of day.
func (w *words) minuteOfDay(m int16) string {
	return w.clock(time.Date(2000, 1, 1, int(m)/60, int(m)%60, 0, 0, time.UTC))
}

// list joins values with commas and a word before the last.
func (w *words) list(values []string) string {
	if len(values) < 2 {
		return strings.Join(values, "")
	}
	return strings.Join(values[:len(values)-1], ", ") + w.say("format.and") + values[len(values)-1]
}

// stamp writes an instant for programs, "" for none.
func stamp(t retail.Instant, loc *time.Location) string {
	if t == 0 {
		return ""
	}
	return local(t, loc).Format("2006-01-02T15:04:05.999Z07:00")
}

func local(t retail.Instant, loc *time.Location) time.Time { return time.UnixMilli(int64(t)).In(loc) }
