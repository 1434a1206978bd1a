package audit

import (
	"testing"

	"cagnotte/loadtest/model"
)

// What campaigns send to other accounts stands on the topic once, as it must; everything else is named.
func TestEmittedRecords(t *testing.T) {
	want := model.Emitted{Account: "B", ID: "c/r", Type: "EVENT", Event: "referral", From: "A", At: 5, Net: 1000, Pieces: 2}
	cheap := want
	cheap.Net = 1
	for name, c := range map[string]struct {
		want    []model.Emitted
		arrived []model.Arrived
		class   string
	}{
		"right":     {[]model.Emitted{want}, []model.Arrived{{Emitted: want, Hash: 7}}, ""},
		"missing":   {[]model.Emitted{want}, nil, "not sent to another account"},
		"different": {[]model.Emitted{want}, []model.Arrived{{Emitted: cheap, Hash: 7}}, "sent to another account with other content"},
		"twice":     {[]model.Emitted{want}, []model.Arrived{{Emitted: want, Hash: 7}, {Emitted: want, Hash: 7}}, "sent to another account twice"},
		"invented":  {nil, []model.Arrived{{Emitted: want, Hash: 7}}, "sent to another account without cause"},
	} {
		extras := map[uint64]int64{}
		for _, r := range c.arrived {
			extras[r.Hash]++
		}
		a := &auditor{report: NewReport(), o: Options{Sent: &Sent{}}, extras: map[int32]map[uint64]int64{0: {}, 1: extras}, parts: []*part{
			{number: 0, expected: &model.Expected{Emitted: c.want}}, {number: 1, expected: &model.Expected{Arrived: c.arrived}},
		}}
		a.emitted()
		a.forwards()
		if c.class == "" && !a.report.OK() || c.class != "" && (!a.report.Has(c.class) || len(a.report.Classes) != 1) {
			t.Errorf("%s: %+v", name, a.report.Classes)
		}
	}
}
