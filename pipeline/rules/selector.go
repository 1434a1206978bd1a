package rules

import "cagnotte/pipeline/retail"

// keySet is a compiled list of texts: a scan while it is short, a map above.
type keySet struct {
	list []string
	set  map[string]struct{}
}

const scanLimit = 8

func newKeySet(list []string) keySet {
	k := keySet{list: list}
	if len(list) > scanLimit {
		k.set = make(map[string]struct{}, len(list))
		for _, s := range list {
			k.set[s] = struct{}{}
		}
	}
	return k
}

func (k *keySet) has(s string) bool {
	if k.set != nil {
		_, ok := k.set[s]
		return ok
	}
	for i := range k.list {
		if k.list[i] == s {
			return true
		}
	}
	return false
}

// allows is has, where an absent list allows everything.
func (k *keySet) allows(s string) bool { return len(k.list) == 0 || k.has(s) }

// hasPath reports whether path, or a path above it by whole segments, is in the set.
func (k *keySet) hasPath(path string) bool {
	if k.set == nil {
		for i := range k.list {
			if under(path, k.list[i]) {
				return true
			}
		}
		return false
	}
	for p := path; p != ""; p = parentPath(p) {
		if _, ok := k.set[p]; ok {
			return true
		}
	}
	return false
}

// under reports whether path is prefix or lies below it, by whole segments.
func under(path, prefix string) bool {
	n := len(prefix)
	return len(path) >= n && path[:n] == prefix && (len(path) == n || path[n] == '/')
}

// parentPath cuts the last segment: GROCERY/COFFEE gives GROCERY, which gives "".
func parentPath(p string) string {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] == '/' {
			return p[:i]
		}
	}
	return ""
}

// lineSet is a compiled LineKeys.
type lineSet struct {
	category, brand, gtin, sku, department, label keySet
	single                                        bool // single products or labels are listed
}

func newLineSet(k *LineKeys) lineSet {
	return lineSet{newKeySet(k.Category), newKeySet(k.Brand), newKeySet(k.GTIN), newKeySet(k.SKU), newKeySet(k.Department),
		newKeySet(k.Label), len(k.GTIN)+len(k.SKU)+len(k.Label) > 0}
}

// includes reports whether the line has one of the values of every list given, but for labels.
func (s *lineSet) includes(l *retail.Line) bool {
	return (len(s.category.list) == 0 || s.category.hasPath(l.Category)) && s.brand.allows(l.Brand) &&
		s.department.allows(l.Department) && s.gtin.allows(l.GTIN) && s.sku.allows(l.SKU)
}

// shelf reports whether the line's category, brand or department is listed.
func (s *lineSet) shelf(l *retail.Line) bool {
	return s.category.hasPath(l.Category) || s.brand.has(l.Brand) || s.department.has(l.Department)
}

// product reports whether the line's product, or a label of it, is listed.
func (s *lineSet) product(l *retail.Line) bool {
	return s.single && (s.gtin.has(l.GTIN) || s.sku.has(l.SKU) || s.labelOf(l) >= 0)
}

// labelled reports whether the line has one of the labels, when any is given.
func (s *lineSet) labelled(l *retail.Line) bool { return len(s.label.list) == 0 || s.labelOf(l) >= 0 }

// labelOf is the place of the line's first label that is listed, -1 when none is.
func (s *lineSet) labelOf(l *retail.Line) int {
	if len(s.label.list) == 0 {
		return -1
	}
	for i := range l.Labels {
		if s.label.has(l.Labels[i]) {
			return i
		}
	}
	return -1
}

// holds reports whether the shop is one of these. It is memoised by shop.
func (s *Stores) holds(shop *retail.Shop) bool {
	return oneOf(s.IDs, string(shop.ID)) && oneOf(s.Banners, shop.Banner) && oneOf(s.Countries, shop.Country) &&
		(len(s.ExcludeIDs) == 0 || !oneOf(s.ExcludeIDs, string(shop.ID)))
}

func oneOf(list []string, s string) bool {
	for i := range list {
		if list[i] == s {
			return true
		}
	}
	return len(list) == 0
}
