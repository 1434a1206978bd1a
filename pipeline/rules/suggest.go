package rules

func known(key string, allowed []string) bool {
	for _, a := range allowed {
		if a == key {
			return true
		}
	}
	return false
}

// nearest suggests the allowed key with the smallest edit distance, when it is near.
func nearest(key string, allowed []string) string {
	best, bestD := "", min(3, 1+len(key)/2)
	for _, a := range allowed {
		if d := distance(key, a); d < bestD {
			best, bestD = a, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// distance is Levenshtein's, bounded by short inputs.
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return 99
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
