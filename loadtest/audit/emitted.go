package audit

import "cagnotte/loadtest/model"

// emitted compares what campaigns had to send to other accounts with what stands on the topic: each record once, on whatever partition, with the content
// that it must have. What is found so is no extra.
func (a *auditor) emitted() {
	arrived := map[string][]model.Arrived{}
	for _, p := range a.parts {
		for _, r := range p.expected.Arrived {
			arrived[r.ID] = append(arrived[r.ID], r)
			if n := a.extras[p.number]; n[r.Hash] > 0 {
				n[r.Hash]--
			}
		}
	}
	for _, p := range a.parts {
		for _, want := range p.expected.Emitted {
			a.sent(want, arrived[want.ID])
			delete(arrived, want.ID)
		}
	}
	for _, list := range arrived {
		for _, r := range list {
			a.report.differ(Doubled, "sent to another account without cause", r.Net, "%s %s to account %s of %d cents", r.Type, r.ID, r.Account, r.Net)
		}
	}
}

// sent compares one record that must be with those of its name.
func (a *auditor) sent(want model.Emitted, got []model.Arrived) {
	a.report.saw("records to other accounts", 1)
	if len(got) == 0 {
		a.report.differ(Lost, "not sent to another account", want.Net, "%s %s to account %s of %d cents", want.Type, want.ID, want.Account, want.Net)
	}
	for i, r := range got {
		if r.Emitted != want {
			a.report.differ(Cents, "sent to another account with other content", r.Net-want.Net, "%s: %+v, must be %+v", want.ID, r.Emitted, want)
		}
		if i > 0 && !a.o.Repeats {
			a.report.differ(Doubled, "sent to another account twice", r.Net, "%s %s to account %s", r.Type, r.ID, r.Account)
		}
	}
}
