package main

import (
	"bytes"
	"testing"

	"cagnotte/loadtest/model"
	"cagnotte/pipeline/rules"
)

// The auditor keeps its own copy of the legal limits, since it shares nothing with the rules: the two must say the same.
func TestTheAuditorKnowsTheShippedLaw(t *testing.T) {
	if !bytes.Equal(model.ShippedGuardrails(), rules.GuardrailsDoc()) {
		t.Error("loadtest/model/guardrails.yaml and pipeline/rules/guardrails.yaml differ: copy the one to the other")
	}
}
