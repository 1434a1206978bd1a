package rules

// index finds the rules that a line or a shop concerns. Every rule that names products stands under exactly one kind of key, the narrowest it
// has: gtin, sku, brand, category, department, label. The rest of its selector is checked once a key has hit.
type index struct {
	category, brand, department, gtin, sku, label map[string][]int32
	basket                                        []int32            // rules that look at every line
	events                                        map[string][]int32 // rules about events, by kind; in none of the others
	shops                                         []Stores
	excludes                                      []lineSet
}

func (x *index) build(rules []rule) {
	*x = index{category: map[string][]int32{}, brand: map[string][]int32{}, department: map[string][]int32{},
		gtin: map[string][]int32{}, sku: map[string][]int32{}, label: map[string][]int32{}, events: map[string][]int32{}}
	shops, excludes := map[string]int32{}, map[string]int32{}
	for i := range rules {
		r := &rules[i]
		s, ex := &r.doc.Stores, &r.doc.Lines.Exclude
		r.include = newLineSet(&r.doc.Lines.Include)
		r.shops = intern(shops, listKey(s.IDs, s.Banners, s.Countries, s.ExcludeIDs), func() { x.shops = append(x.shops, *s) })
		r.exclude = intern(excludes, listKey(ex.Category, ex.Brand, ex.GTIN, ex.SKU, ex.Department, ex.Label),
			func() { x.excludes = append(x.excludes, newLineSet(ex)) })
		if r.indexed && r.considered.from < r.considered.to {
			x.add(int32(i), r)
		}
	}
}

func (x *index) add(i int32, r *rule) {
	in := &r.doc.Lines.Include
	switch {
	case r.doc.Event != "":
		x.events[r.doc.Event] = append(x.events[r.doc.Event], i)
	case r.everyLine:
		x.basket = append(x.basket, i)
	case len(in.GTIN) > 0:
		post(x.gtin, in.GTIN, i)
	case len(in.SKU) > 0:
		post(x.sku, in.SKU, i)
	case len(in.Brand) > 0:
		post(x.brand, in.Brand, i)
	case len(in.Category) > 0:
		post(x.category, in.Category, i)
	case len(in.Department) > 0:
		post(x.department, in.Department, i)
	default:
		post(x.label, in.Label, i)
	}
}

func post(m map[string][]int32, keys []string, i int32) {
	for _, k := range keys {
		m[k] = append(m[k], i)
	}
}

// intern numbers equal values alike in order of appearance, so that what is known about one holds for all; -1 stands for an empty key.
func intern(seen map[string]int32, key string, add func()) int32 {
	if key == "" {
		return -1
	}
	n, ok := seen[key]
	if !ok {
		n = int32(len(seen))
		seen[key] = n
		add()
	}
	return n
}

// listKey is injective, as texts hold no control characters (see node.text).
func listKey(lists ...[]string) string {
	var b []byte
	empty := true
	for _, l := range lists {
		for _, s := range l {
			b, empty = append(append(b, s...), 1), false
		}
		b = append(b, 2)
	}
	if empty {
		return ""
	}
	return string(b)
}
