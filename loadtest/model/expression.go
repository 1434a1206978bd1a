package model

import (
	"fmt"
	"time"

	"github.com/google/cel-go/cel"
)

// celCost is how many steps an expression may take.
const celCost = 20_000

// compile reads an expert's condition.
func (c *campaign) compile(text string) error {
	env, err := cel.NewEnv(cel.Variable("total", cel.IntType), cel.Variable("lines", cel.ListType(cel.MapType(cel.StringType, cel.DynType))), cel.Variable("labels", cel.ListType(cel.StringType)),
		cel.Variable("channel", cel.StringType), cel.Variable("store", cel.StringType), cel.Variable("country", cel.StringType), cel.Variable("weekday", cel.IntType), cel.Variable("hour", cel.IntType))
	if err != nil {
		return fmt.Errorf("expressions: %w", err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return fmt.Errorf("expression: %w", issues.Err())
	}
	c.cel, err = env.Program(ast, cel.CostLimit(celCost))
	return err
}

// expected says whether the expression holds of a receipt. One that fails, or costs too much, does not.
func (c *campaign) expected(b *basket) bool {
	if c.cel == nil {
		return true
	}
	var lines []map[string]any
	labels := []string{}
	for i := range b.lines {
		l := &b.lines[i]
		if l.never {
			continue // no reward may depend on it
		}
		own := append([]string{}, l.labels...)
		lines = append(lines, map[string]any{"category": l.category, "brand": l.brand, "gtin": l.gtin, "sku": l.sku, "department": l.department,
			"net": l.paid, "quantity_milli": l.quantity, "labels": own})
		labels = append(labels, own...)
	}
	local := time.UnixMilli(b.endedAt).In(c.zone)
	out, _, err := c.cel.Eval(map[string]any{"total": b.total, "lines": lines, "labels": labels, "channel": b.channel, "store": b.shop, "country": b.country,
		"weekday": int64((local.Weekday()+6)%7) + 1, "hour": int64(local.Hour())})
	holds, ok := false, false
	if err == nil {
		holds, ok = out.Value().(bool)
	}
	return ok && holds
}
