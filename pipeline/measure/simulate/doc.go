// Package simulate tries the intervals of pipeline/measure where the truth is known: campaigns without an effect, and with an injected one,
// over the baskets of real customers, looked at every hour as a dashboard does; and store methods on windows in which no campaign ran.
//
// It is pure but for the readers that it is handed: no clock, no global randomness. The same seed gives the same figures, however many workers
// share the work.
package simulate
