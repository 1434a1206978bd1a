package retail

import (
	"encoding/binary"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// ContentHash condenses what makes two receipts of one id "the same" (decision D17): type, instant, account, total and each line's number, kind,
// identity, quantity and net; of an Event its attributes too, in any order, because they say what happened. It does not depend on the wire's encoding, so a receipt that is sent again through another door is still a repeat.
func (r *Receipt) ContentHash(scratch []byte) (uint64, []byte) {
	b := scratch[:0]
	b = append(b, byte(r.Type), byte(len(r.Loyalty.AccountID)))
	b = append(b, r.Loyalty.AccountID...)
	b = append(b, r.Shop.ID...)
	b = binary.AppendVarint(b, int64(r.EndedAt))
	b = binary.AppendVarint(b, int64(r.Total))
	for i := range r.Lines {
		l := &r.Lines[i]
		b = binary.AppendVarint(b, int64(l.No))
		b = append(b, byte(l.Kind))
		b = append(b, l.GTIN...)
		b = append(b, l.SKU...)
		b = binary.AppendVarint(b, l.QuantityMilli)
		b = binary.AppendVarint(b, int64(l.Net))
	}
	if r.Type == Event {
		b = appendAttributeSum(b, r.Attributes)
	}
	return xxhash.Sum64(b), b
}

// appendAttributeSum condenses the pairs to one number that does not depend on their order: a map of the wire has none.
func appendAttributeSum(b []byte, list []Attribute) []byte {
	from, sum := len(b), uint64(0)
	for i := range list {
		pair := binary.AppendUvarint(b, uint64(len(list[i].Key)))
		pair = append(pair, list[i].Key...)
		pair = append(pair, list[i].Value...)
		sum += xxhash.Sum64(pair[from:])
		b = pair[:from]
	}
	return binary.LittleEndian.AppendUint64(b, sum)
}

// OriginalID returns the id of the receipt that r gives back, from its reference: the id itself, or
// "<store_id>:<terminal_id>:<business_date>:<sequence_no>" built from its parts. Empty when r names none.
func (r *Receipt) OriginalID() ReceiptID {
	o := &r.Original
	if !o.Given || o.ReceiptID != "" {
		return o.ReceiptID
	}
	b := append([]byte(o.ShopID), ':')
	b = append(b, o.TerminalID...)
	b = append(b, ':')
	b = append(b, o.BusinessDate.String()...)
	b = append(b, ':')
	b = strconv.AppendInt(b, o.SequenceNo, 10)
	return ReceiptID(b)
}
