package retail

// The enums of the wire, in the wire's order: the number is the Avro symbol's index. Unknown is what an old reader sees of a new symbol.
type (
	// ReceiptType says what kind of transaction closed.
	ReceiptType uint8
	// Channel says where the basket was made.
	Channel uint8
	// Capture says how the account was identified.
	Capture uint8
	// LineKind says what a line sells or gives back.
	LineKind uint8
	// Unit is the unit of Line.QuantityMilli.
	Unit uint8
	// DiscountKind says why a discount was given.
	DiscountKind uint8
	// TenderType is a means of payment.
	TenderType uint8
)

// Receipt types.
const (
	UnknownType ReceiptType = iota
	Sale
	Return
	Exchange
	Void
	// Event is something that happened to a loyalty account and is not a till transaction: see Receipt.EventKind.
	Event
)

// Channels.
const (
	UnknownChannel Channel = iota
	InStore
	SelfCheckout
	ScanAndGo
	Drive
	Online
	ClickCollect
	Delivery
)

// Captures.
const (
	UnknownCapture Capture = iota
	Card
	App
	Phone
	PaymentLinked
	AfterSale
)

// Line kinds.
const (
	UnknownLine LineKind = iota
	SaleLine
	ReturnLine
	Deposit
	Fee
	GiftCard
	Service
)

// Units.
const (
	UnknownUnit Unit = iota
	Each
	Kilogram
	Litre
	Metre
)

// Discount kinds.
const (
	UnknownDiscount DiscountKind = iota
	Promotion
	Coupon
	LoyaltyDiscount
	Markdown
	Employee
	Manual
)

// Tender types.
const (
	UnknownTender TenderType = iota
	Cash
	CardTender
	MealVoucher
	GiftCardTender
	Cheque
	CashbackTender
	Voucher
	Credit
	OtherTender
)

var (
	receiptTypes  = []string{"UNKNOWN", "SALE", "RETURN", "EXCHANGE", "VOID", "EVENT"}
	channels      = []string{"UNKNOWN", "IN_STORE", "SELF_CHECKOUT", "SCAN_AND_GO", "DRIVE", "ONLINE", "CLICK_COLLECT", "DELIVERY"}
	captures      = []string{"UNKNOWN", "CARD", "APP", "PHONE", "PAYMENT_LINKED", "AFTER_SALE"}
	lineKinds     = []string{"UNKNOWN", "SALE", "RETURN", "DEPOSIT", "FEE", "GIFT_CARD", "SERVICE"}
	units         = []string{"UNKNOWN", "EA", "KGM", "LTR", "MTR"}
	discountKinds = []string{"UNKNOWN", "PROMOTION", "COUPON", "LOYALTY", "MARKDOWN", "EMPLOYEE", "MANUAL"}
	tenderTypes   = []string{"UNKNOWN", "CASH", "CARD", "MEAL_VOUCHER", "GIFT_CARD", "CHEQUE", "CASHBACK", "VOUCHER", "CREDIT", "OTHER"}
)

// String returns the wire symbol; a number outside the enum prints as UNKNOWN.
func (t ReceiptType) String() string  { return symbol(receiptTypes, uint8(t)) }
func (c Channel) String() string      { return symbol(channels, uint8(c)) }
func (c Capture) String() string      { return symbol(captures, uint8(c)) }
func (k LineKind) String() string     { return symbol(lineKinds, uint8(k)) }
func (u Unit) String() string         { return symbol(units, uint8(u)) }
func (k DiscountKind) String() string { return symbol(discountKinds, uint8(k)) }
func (t TenderType) String() string   { return symbol(tenderTypes, uint8(t)) }

// The symbol parsers return the zero value (UNKNOWN) and false for a name they do not know.
func ParseReceiptType(s string) (ReceiptType, bool)   { return parse[ReceiptType](receiptTypes, s) }
func ParseChannel(s string) (Channel, bool)           { return parse[Channel](channels, s) }
func ParseCapture(s string) (Capture, bool)           { return parse[Capture](captures, s) }
func ParseLineKind(s string) (LineKind, bool)         { return parse[LineKind](lineKinds, s) }
func ParseUnit(s string) (Unit, bool)                 { return parse[Unit](units, s) }
func ParseDiscountKind(s string) (DiscountKind, bool) { return parse[DiscountKind](discountKinds, s) }
func ParseTenderType(s string) (TenderType, bool)     { return parse[TenderType](tenderTypes, s) }

func symbol(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return names[0]
}

func parse[T ~uint8](names []string, s string) (T, bool) {
	for i, n := range names {
		if n == s {
			return T(i), true
		}
	}
	return 0, false
}
