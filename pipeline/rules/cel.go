package rules

import (
	"errors"
	"reflect"
	"sync"
	"time"

	"cagnotte/pipeline/retail"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"
)

// An expert condition is an expression of CEL, the Common Expression Language: typed, without side effects, and bounded. What would make it depend on
// the machine is refused when the document is read: fractions, and maps, whose order is nobody's. What a receipt costs is bounded when it is judged.

// celCost is how much one receipt may cost one condition, in CEL's units: some twenty thousand comparisons, about two milliseconds. A condition that
// needs more does not hold.
const celCost = 20_000

// Bounds of an expression.
const (
	maxExpression      = 4096 // bytes
	maxExpressionDepth = 50
)

// celLine is what an expression sees of a line.
type celLine struct {
	Category      string   `cel:"category"`
	Brand         string   `cel:"brand"`
	GTIN          string   `cel:"gtin"`
	SKU           string   `cel:"sku"`
	Department    string   `cel:"department"`
	Net           int64    `cel:"net"`
	QuantityMilli int64    `cel:"quantity_milli"`
	Labels        []string `cel:"labels"`
}

// celEnv is the language: made once, never changed.
var celEnv = sync.OnceValues(func() (*cel.Env, error) {
	line := reflect.TypeFor[celLine]()
	return cel.NewEnv(
		ext.NativeTypes(line, ext.ParseStructTags(true)),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxExpressionDepth),
		cel.Variable("total", cel.IntType), cel.Variable("lines", cel.ListType(cel.ObjectType("rules.celLine"))),
		cel.Variable("channel", cel.StringType), cel.Variable("store", cel.StringType), cel.Variable("country", cel.StringType),
		cel.Variable("weekday", cel.IntType), cel.Variable("hour", cel.IntType), cel.Variable("labels", cel.ListType(cel.StringType)),
	)
})

// celFault is what is wrong with an expression, and where: line from 1 and column from 0, as CEL counts them.
type celFault struct {
	line, column int
	message      string
}

// compileCEL reads an expression.
func compileCEL(text string) (cel.Program, *celFault) {
	env, err := celEnv()
	if err != nil {
		return nil, &celFault{1, 0, err.Error()}
	}
	tree, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		e := issues.Errors()[0]
		return nil, &celFault{e.Location.Line(), e.Location.Column(), e.Message}
	}
	if tree.OutputType() != cel.BoolType {
		return nil, &celFault{1, 0, "the expression gives " + tree.OutputType().String() + ", not true or false"}
	}
	if f := undetermined(tree.NativeRep()); f != nil {
		return nil, f
	}
	p, err := env.Program(tree, cel.CostLimit(celCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, &celFault{1, 0, err.Error()}
	}
	return p, nil
}

// undetermined finds what could come out differently elsewhere.
func undetermined(tree *ast.AST) (fault *celFault) {
	found := func(e ast.Expr, message string) {
		if fault == nil {
			at := tree.SourceInfo().GetStartLocation(e.ID())
			fault = &celFault{max(at.Line(), 1), max(at.Column(), 0), message}
		}
	}
	ast.PostOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.MapKind, ast.StructKind:
			found(e, "maps and structures cannot be made here: write a list")
		case ast.LiteralKind:
			if e.AsLiteral().Type() == types.DoubleType {
				found(e, "fractions are not exact: amounts are whole minor units, 1000 for 10.00")
			}
		case ast.CallKind:
			if name := e.AsCall().FunctionName(); name == "double" || name == operators.Divide && isDouble(tree, e) {
				found(e, "fractions are not exact: amounts are whole minor units, 1000 for 10.00")
			}
		}
	}))
	return fault
}

func isDouble(tree *ast.AST, e ast.Expr) bool { return tree.GetType(e.ID()) == types.DoubleType }

// celInput is what an expression reads of the receipt at hand.
type celInput struct {
	r      *retail.Receipt
	loc    *time.Location
	total  int64 // without what the law forbids to reward
	lines  []celLine
	labels []string
}

// ResolveName implements cel.Activation.
func (in *celInput) ResolveName(name string) (any, bool) {
	switch name {
	case "total":
		return in.total, true
	case "lines":
		return in.lines, true
	case "labels":
		return in.labels, true
	case "channel":
		return in.r.Channel.String(), true
	case "store":
		return string(in.r.Shop.ID), true
	case "country":
		return in.r.Shop.Country, true
	case "weekday":
		return int64(in.local().Weekday()+6)%7 + 1, true
	case "hour":
		return int64(in.local().Hour()), true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (in *celInput) Parent() cel.Activation { return nil }

func (in *celInput) local() time.Time { return time.UnixMilli(int64(in.r.EndedAt)).In(in.loc) }

// fill copies what expressions see of the lines: once per receipt, however many campaigns ask. net is the price paid. What the law forbids to reward is
// not seen: no reward may depend on it, as with min_basket.
func (e *Evaluator) fill(r *retail.Receipt) {
	in := &e.expert
	if in.r != nil { // Evaluate forgets the receipt when it is done
		return
	}
	in.r, in.total, in.lines, in.labels = r, int64(e.total), nil, nil
	for i := range r.Lines {
		l, w := &r.Lines[i], &e.lines[i]
		if w.rails&e.rs.rails.never != 0 {
			continue
		}
		in.lines = append(in.lines, celLine{l.Category, l.Brand, l.GTIN, l.SKU, l.Department, int64(w.net), l.QuantityMilli, l.Labels})
		in.labels = append(in.labels, l.Labels...)
	}
}

// celVerdict is what became of an expression, as a step shows it.
type celVerdict string

const (
	celTrue   celVerdict = "true"
	celFalse  celVerdict = "false"
	celCostly celVerdict = "too costly"
	celError  celVerdict = "error"
)

func costly(err error) bool {
	var c interpreter.EvalCancelledError
	return errors.As(err, &c) && c.Cause == interpreter.CostLimitExceeded
}

// ask evaluates an expression for the receipt at hand. One that fails, such as by dividing by zero, or needs too much, does not hold.
func (e *Evaluator) ask(r *rule, rec *retail.Receipt) celVerdict {
	in := &e.expert
	e.fill(rec)
	in.loc = r.loc
	v, _, err := r.extra.cel.Eval(in)
	switch {
	case err != nil && costly(err):
		return celCostly
	case err != nil:
		return celError
	case v == types.True:
		return celTrue
	}
	return celFalse
}
