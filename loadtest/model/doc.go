// Package model recomputes, slowly and plainly, what a stream of receipts and events must come to.
//
// It is the auditor's oracle. It re-implements the meaning of campaigns from their documents, of members, progress, tiers and returns from the kept
// original receipts, and of validation from its description, with straight loops, and shares no code with the product's rules, ledger, state or
// pipeline. Everything is integers: minor units, ms since 1970, thousandths of a piece.
//
// Where the description leaves room, this is how it is read:
//
//   - Of what is said of a member, the last statement up to an instant decides (by the event's close; of two of one instant the one that came later).
//     A day in `until` includes itself, in UTC. What is said later of an earlier time changes no receipt that was judged already.
//   - The earliest enrolment counts; of referrers the first that comes, of birthdays the last. Nobody brings himself. A birthday on 29 February is on 1 March in other years.
//     enrolled_within is half-open, in spans of 24 hours.
//   - A line of an EVENT counts without anything paid; the thresholds of `when` hold for EVENTs as they are.
//   - Who, coupon and expression are asked once, at the sale. A receipt that is below the thresholds of `when` adds nothing to progress, also when it is
//     so only after a return; an exchange that gives back more than it takes adds nothing either.
//   - Progress is given by the version, and dated with the validity, of the receipt that moves it: for a return those of its sale. Lines of one receipt
//     do not limit by law what many have earned. What is taken back is never more than what stands above the new standing. keep_once_completed:
//     what stands in a period stays once all of it is spendable when the return closes, and is not given again.
//   - Objectives have lines of their own, and the thresholds of `when` are asked of those.
//   - Products are counted by number, else by the shop's code, as long as a line of them is left for which something was paid.
//   - Multipliers are judged after all others and multiply neither each other nor goals. By law they are attached to the lines of what they repeat, as a whole. Who lost a group or is held out counts nothing.
//   - A donation is rounded half up, of what stands.
//   - An EVENT to another account takes the basis and the pieces of the lines that match; its RETURN has the id campaign/return and the difference.
package model
