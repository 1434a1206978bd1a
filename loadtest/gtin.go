package loadtest

import "strconv"

// gtin13 returns the 13 digits of a GTIN: a French prefix, a company, an item and the check digit.
func gtin13(company, item int) string {
	body := "3" + pad(company, 6) + pad(item, 5)
	return body + string('0'+checkDigit(body))
}

// checkDigit is the GS1 modulo-10 digit of a body without it: weights 3 and 1 from the right.
func checkDigit(body string) byte {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			d *= 3
		}
		sum += d
	}
	return byte((10 - sum%10) % 10)
}

// pad prints v with leading zeros on width digits; a longer number keeps its last digits.
func pad(v, width int) string {
	s := strconv.Itoa(v)
	for len(s) < width {
		s = "0" + s
	}
	return s[len(s)-width:]
}
