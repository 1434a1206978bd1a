package series

import "testing"

func TestTryS(t *testing.T) {
	show := func(name string, y []float64, pre int, xs ...[]float64) {
		out, err := StructuralCounterfactual(StructuralInput{Y: y, Controls: xs, Pre: pre, Level: .95})
		if err != nil || out.Figure == nil {
			t.Log(name, err, out.Reason)
			return
		}
		t.Logf("%s n=%d avg %+v cum %+v lift %+v noise %v level %v ll %v coef %v warn %v", name, pre, out.Average.Figure, out.Figure, out.Lift.Figure, out.SigmaNoise, out.SigmaLevel, out.LogLikelihood, out.Coefficients, out.Warnings)
	}
	c := table(t, "causalimpact", "comparison_data.csv")
	show("comparison", floats(t, c["CHANGED"]), len(c["CHANGED"])-18, floats(t, c["NOT_CHANGED_1"]), floats(t, c["NOT_CHANGED_2"]), floats(t, c["NOT_CHANGED_3"]))
	c = table(t, "causalimpact", "arma_data.csv")
	show("arma", floats(t, c["y"]), 70, floats(t, c["X"]))
	c = table(t, "causalimpact", "basque.csv")
	show("basque", floats(t, c["Basque"]), len(c["Basque"])-22, floats(t, c["another"]))
	c = table(t, "causalimpact", "volks_data.csv")
	t.Log(len(c["VolksWagen"]))
	show("volks", floats(t, c["VolksWagen"]), len(c["VolksWagen"])-79, floats(t, c["BMW"]), floats(t, c["Allianz"]))
}
