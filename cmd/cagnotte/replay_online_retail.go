package main

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones of the data, also where the system has none

	"cagnotte/pipeline/retail"
)

var onlineRetailHeader = []string{"invoice_no", "stock_code", "description", "quantity", "invoice_ts", "unit_price", "customer_id", "country"}

// Columns of the Online Retail lines.
const (
	orInvoice = iota
	orStock
	orDescription
	orQuantity
	orTime
	orPrice
	orCustomer
	orCountry
)

// onlineRetail turns invoice lines into one receipt per invoice. The lines of an invoice need not stand together: a first pass counts them, the
// second hands a receipt out with its last line, so that only open invoices are in memory.
type onlineRetail struct {
	path  string
	zone  *time.Location
	left  map[string]int // lines still to come, by invoice
	total int
	table *table
	open  map[string]*retail.Receipt
}

func openOnlineRetail(path string) (*onlineRetail, error) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		return nil, exitf(ExitFailed, "load the time zone of the data: %w", err)
	}
	o := &onlineRetail{path: path, zone: zone, left: map[string]int{}, open: map[string]*retail.Receipt{}}
	if err := o.count(); err != nil {
		return nil, err
	}
	if o.table, err = openTable(path); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *onlineRetail) count() error {
	t, err := openTable(o.path)
	if err != nil {
		return err
	}
	defer t.close()
	for {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			o.total = len(o.left)
			return nil
		}
		if err != nil {
			return err
		}
		if n, ok := o.left[row[orInvoice]]; ok {
			o.left[row[orInvoice]] = n + 1
		} else {
			o.left[row[orInvoice]] = 1
		}
	}
}

func (o *onlineRetail) about() replayInfo {
	return replayInfo{name: "Online Retail", receipts: o.total, currency: "GBP", campaigns: "online-retail"}
}

func (o *onlineRetail) close() error { return o.table.close() }

func (o *onlineRetail) next(r *retail.Receipt) error {
	for {
		row, err := o.table.next()
		if err != nil {
			return err
		}
		done, err := o.take(row)
		if err != nil {
			return err
		}
		if done != nil {
			finishOnlineRetail(done)
			*r = *done
			return nil
		}
	}
}

// take adds a row to its invoice and returns the receipt when it was the last one.
func (o *onlineRetail) take(row []string) (*retail.Receipt, error) {
	invoice := row[orInvoice]
	r := o.open[invoice]
	if r == nil {
		var err error
		if r, err = o.begin(row); err != nil {
			return nil, err
		}
		o.open[string(r.ID[len(onlineRetailPrefix):])] = r
	}
	if err := o.addLine(r, row); err != nil {
		return nil, err
	}
	o.left[invoice]--
	if o.left[invoice] > 0 {
		return nil, nil
	}
	delete(o.open, invoice)
	return r, nil
}

const onlineRetailPrefix = "uci-"

// begin starts a receipt with what its first line says about the whole invoice.
func (o *onlineRetail) begin(row []string) (*retail.Receipt, error) {
	at, day, offset, err := localTime(row[orTime], o.zone)
	if err != nil {
		return nil, o.table.fail(orTime, err)
	}
	country := row[orCountry]
	r := &retail.Receipt{
		ID: retail.ReceiptID(onlineRetailPrefix + row[orInvoice]), Type: retail.Sale, Channel: retail.Online, Currency: "GBP",
		Shop:       retail.Shop{ID: retail.ShopID("web-" + strings.ToLower(strings.ReplaceAll(country, " ", "-"))), Banner: "online-retail", Country: countryCode(country)},
		TerminalID: "web", StartedAt: at, EndedAt: at, BusinessDate: day, UTCOffsetMin: offset,
		Source: retail.Source{POSVendor: "UCI Online Retail", Sender: "cagnotte replay"},
	}
	if strings.HasPrefix(row[orInvoice], "C") {
		r.Type = retail.Return
	}
	if row[orCustomer] != "" {
		r.Loyalty = retail.Loyalty{AccountID: retail.AccountID(row[orCustomer]), ProgramID: "online-retail", Capture: retail.App}
	}
	return r, nil
}

func (o *onlineRetail) addLine(r *retail.Receipt, row []string) error {
	quantity, err := strconv.ParseInt(row[orQuantity], 10, 32)
	if err != nil {
		return o.table.fail(orQuantity, err)
	}
	net, err := minorUnits(quantity, row[orPrice])
	if err != nil {
		return o.table.fail(orPrice, err)
	}
	price, err := minorUnits(1, row[orPrice])
	if err != nil {
		return o.table.fail(orPrice, err)
	}
	r.Lines = append(r.Lines, retail.Line{
		No: int32(len(r.Lines) + 1), Kind: onlineRetailKind(row[orStock], quantity), SKU: row[orStock],
		Description: strings.TrimSpace(row[orDescription]), QuantityMilli: quantity * 1000, Unit: retail.Each,
		UnitPrice: price, Gross: net, Net: net,
	})
	r.Total += net
	return nil
}

// onlineRetailKind: codes that are no article are fees, which never earn; vouchers are gift cards.
func onlineRetailKind(stock string, quantity int64) retail.LineKind {
	switch code := strings.ToUpper(stock); {
	case code == "POST", code == "DOT", code == "C2", code == "M", code == "B", code == "S", code == "D",
		code == "BANK CHARGES", code == "AMAZONFEE", code == "CRUK":
		return retail.Fee
	case strings.HasPrefix(code, "GIFT_"):
		return retail.GiftCard
	case quantity < 0:
		return retail.ReturnLine
	default:
		return retail.SaleLine
	}
}

// finishOnlineRetail: an invoice without the prefix C that takes goods back only is a stock correction, a return of nobody.
func finishOnlineRetail(r *retail.Receipt) {
	if r.Type == retail.Return {
		return
	}
	for i := range r.Lines {
		if r.Lines[i].QuantityMilli >= 0 {
			return
		}
	}
	r.Type = retail.Return
	r.Attributes = append(r.Attributes, retail.Attribute{Key: "stock_correction", Value: "true"})
}

// countryCode returns ISO 3166 alpha-2, "" for what is no country.
func countryCode(name string) string {
	return map[string]string{
		"United Kingdom": "GB", "Germany": "DE", "France": "FR", "EIRE": "IE", "Spain": "ES", "Netherlands": "NL", "Belgium": "BE", "Switzerland": "CH",
		"Portugal": "PT", "Australia": "AU", "Norway": "NO", "Italy": "IT", "Finland": "FI", "Cyprus": "CY", "Sweden": "SE", "Austria": "AT",
		"Denmark": "DK", "Japan": "JP", "Poland": "PL", "Israel": "IL", "USA": "US", "Hong Kong": "HK", "Singapore": "SG", "Iceland": "IS", "Canada": "CA",
		"Greece": "GR", "Malta": "MT", "United Arab Emirates": "AE", "RSA": "ZA", "Lebanon": "LB", "Lithuania": "LT", "Brazil": "BR",
		"Czech Republic": "CZ", "Bahrain": "BH", "Saudi Arabia": "SA",
	}[name]
}
