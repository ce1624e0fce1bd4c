package payments_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/payments"
)

// auditable is a world with a row of every kind the audit looks at, in good
// order, and the words a fault may use for their ids.
type auditable struct {
	*world
	words *strings.Replacer
}

func newAuditable(t *testing.T) *auditable {
	w := newWorld(t)
	c, sibling := w.child(), w.child()
	care := w.allocate(c, "social_care", payments.InPence, 10_000)
	siblings := w.allocate(sibling, "social_care", payments.InPence, 10_000)
	topup := w.topUp(c, 5000)
	line := w.line(c, payments.InPence, 10_000, nil)
	settled := w.settled(c, line, map[uuid.UUID]int64{care: 1000}, care)
	require.NoError(t, w.refund(settled, 1, 100))
	confirmed := w.item(c, "confirmed", charge{payer: "budget", pence: 500, line: &line})
	w.hold(confirmed, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 500}, care)
	requested := w.item(c, "requested", charge{payer: "family_top_up", pence: 300})
	w.hold(requested, 1, nil, payments.InPence, map[uuid.UUID]int64{topup: 300}, topup)
	visit := w.visit(c)
	paid, deposit := w.paidAhead(c, line, care)
	other, _ := w.newAuthority("Felpersham")
	stranger := w.childOf(other)

	w.must(func(tx *db.Tx) error {
		_, _, err := payments.Allocate(ctx, tx, payments.Allocation{
			Authority: w.authority, Child: c.id, Period: w.period, Stream: "social_care", Unit: payments.InPence, Amount: 1, By: w.approver, Key: "k1",
		})
		return err
	})
	w.exec(`INSERT INTO idempotency (authority_id, caller_id, key, operation, hash, status, body, created_at) VALUES ($1, $2, 'k1', 'createAllocation', '', 201, '', $3)`,
		w.authority, w.approver, start)
	w.exec(`INSERT INTO family_member (authority_id, family_id, person_id) VALUES ($1, $2, $3)`, w.authority, c.family, w.person)
	w.exec(`INSERT INTO delivery (authority_id, item_id, provider_id, outcome, attended_minutes, on_time, recorded_by, recorded_at)
		VALUES ($1, $2, $3, 'delivered', 180, true, $4, $5)`, w.authority, settled, w.provider, w.payee, start)
	w.exec(`INSERT INTO calendar (authority_id, id, imported_at) VALUES ($1, $2, $3)`, w.authority, w.person, start)
	w.exec(`INSERT INTO calendar_range (authority_id, calendar_id, kind, starts_on, ends_on, name) VALUES ($1, $2, 'term', '2027-01-04', '2027-02-12', 'Spring')`,
		w.authority, w.person)
	w.exec(`UPDATE booking_item SET moved_from = $2 WHERE id = $1`, confirmed, settled)
	w.exec(`INSERT INTO waitlist_entry (authority_id, id, child_id, provider_id, offer_id, session_id, ask, state, item_id, created_at, created_by)
		SELECT authority_id, id, child_id, provider_id, id, id, '{}', 'accepted', id, $2, $3 FROM booking_item WHERE id = $1`, confirmed, start, w.person)
	w.exec(`INSERT INTO introduction (authority_id, id, child_id, provider_id, state, told_name, asked_by, asked_as, asked_at)
		VALUES ($1, $2, $2, $3, 'asked', 'Ada', $4, 'family', $5)`, w.authority, c.id, w.provider, w.person, start)
	w.exec(`INSERT INTO child_need (authority_id, id, child_id, task, categories, starts_on, recorded_by, recorded_at)
		VALUES ($1, $2, $2, 'Oxygen', '{}', '2027-01-04', $3, $4)`, w.authority, c.id, w.person, start)
	w.exec(`INSERT INTO worker_change (authority_id, id, item_id, provider_id, from_lane, to_lane, reason, changed_by, changed_at)
		VALUES ($1, $2, $2, $3, $4, $4, 'Ada is ill.', $5, $6)`, w.authority, visit, w.provider, w.lane, w.person, start)
	w.exec(`INSERT INTO competency_flag (authority_id, id, item_id, provider_id, task, written_at) VALUES ($1, $2, $2, $3, 'Oxygen', $4)`,
		w.authority, visit, w.provider, start)
	w.exec(`INSERT INTO legal_basis (authority_id, id, child_id, basis, starts_on, recorded_by, recorded_at)
		VALUES ($1, $2, $2, 'section_20', '2027-01-04', $3, $4)`, w.authority, c.id, w.person, start)
	w.exec(`INSERT INTO booking_message (authority_id, booking_id, n, id, provider_id, side, role, on_behalf, person_id, words, at)
		SELECT authority_id, booking_id, 1, id, provider_id, 'provider', 'coordinator', false, $2, 'See you.', $3 FROM booking_item WHERE id = $1`, confirmed, w.person, start)
	w.exec(`INSERT INTO wanted_time (authority_id, id, child_id, category, postcode, area, within_km, windows, from_date, to_date, needs, state, created_by, created_at)
		VALUES ($1, $2, $2, 'club', 'ZZ1', 'Ashmere', 5, '[{}]', '2027-01-04', '2027-07-04', '{}', 'open', $3, $4)`, w.authority, c.id, w.person, start)
	w.exec(`INSERT INTO wanted_match (authority_id, wanted_id, offer_id, provider_id, found_at) VALUES ($1, $2, $2, $3, $4)`, w.authority, c.id, w.provider, start)
	w.inRound(c, confirmed)
	w.exec(`INSERT INTO ticket (authority_id, id, provider_id, child_id, offer_id, version_id, option_name, count, used, valid_from, valid_to, created_at)
		SELECT authority_id, id, provider_id, child_id, id, id, 'Ten', 10, 1, '2027-01-01', '2027-12-31', $2 FROM booking_item WHERE id = $1`, w.ticket(c), start)
	w.exec(`UPDATE booking_item SET ticket_id = (SELECT id FROM ticket), ticket_counts = true WHERE id = $1`, confirmed)
	w.afterwards(c, settled)
	w.emergency(c, line, care)
	w.offline(c, confirmed)
	w.credits(c, topup)
	w.clean()

	var words []string
	for name, id := range map[string]uuid.UUID{
		"{authority}": w.authority, "{other}": other, "{child}": c.id, "{sibling}": sibling.id, "{stranger}": stranger.id, "{care}": care,
		"{siblings}": siblings, "{settled}": settled, "{confirmed}": confirmed, "{requested}": requested, "{visit}": visit, "{paid}": paid, "{deposit}": deposit,
		"{provider}": w.provider, "{lane}": w.lane, "{person}": w.person, "{new}": shortbreaks.NewID(),
	} {
		words = append(words, name, "'"+id.String()+"'")
	}
	return &auditable{w, strings.NewReplacer(words...)}
}

// afterwards is what comes of an item beside its money, a row of each table.
func (w *world) afterwards(c child, item uuid.UUID) {
	w.exec(`INSERT INTO register_step (authority_id, item_id, kind, noted_at, provider_id, at, recorded_by, recorded_at)
		VALUES ($1, $2, 'arrived', $4, $3, $4, $3, $4)`, w.authority, item, w.provider, start)
	w.exec(`INSERT INTO collection_list (authority_id, child_id, people, set_by, set_at) VALUES ($1, $2, '[]', $3, $4)`, w.authority, c.id, w.person, start)
	w.exec(`INSERT INTO collection_try (authority_id, child_id, id, provider_id, tried_by, at) VALUES ($1, $2, $3, $3, $3, $4)`, w.authority, c.id, w.provider, start)
	w.exec(`INSERT INTO extra_time (authority_id, item_id, id, provider_id, minutes, amount_pence, reason, state, proposed_by, proposed_at)
		VALUES ($1, $2, $3, $3, 60, 300, '', 'open', $3, $4)`, w.authority, item, w.provider, start)
	w.exec(`INSERT INTO item_happening (authority_id, item_id, id, provider_id, event, amount, happened_at, noted_at, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $3, 'late_pick_up', 5, $4, $4, $3, $4)`, w.authority, item, w.provider, start)
	w.exec(`INSERT INTO item_note (authority_id, item_id, id, provider_id, kind, words, happened_at, written_by, written_role, written_at)
		VALUES ($1, $2, $3, $3, 'incident', '', $4, $3, 'worker', $4)`, w.authority, item, w.provider, start)
	w.exec(`INSERT INTO care_fact (authority_id, child_id, field, owner_id, words, written_by, confirmed_at, confirmed_by)
		VALUES ($1, $2, 'avoid', $3, '', $3, $4, $3)`, w.authority, c.id, w.person, start)
	w.exec(`INSERT INTO read_event (authority_id, child_id, id, what, item_id, reader_id, reader_role, at)
		VALUES ($1, $2, $4, 'notes', $3, $4, 'worker', $5)`, w.authority, c.id, item, w.person, start)
}

// offline is a booking that was entered with a code, and imported.
func (w *world) offline(c child, item uuid.UUID) {
	w.exec(`INSERT INTO booking_code (authority_id, id, child_id, provider_id, role, made_by, made_at, expires_at, code_hash)
		VALUES ($1, $2, $2, $3, 'family', $4, $5, $5, $6)`, w.authority, c.id, w.provider, w.person, start, make([]byte, 32))
	w.exec(`INSERT INTO offline_booking (authority_id, booking_id, code_id, provider_id, child_id, entered_by, entered_at)
		SELECT authority_id, booking_id, $2, provider_id, $2, $3, $4 FROM booking_item WHERE id = $1`, item, c.id, w.person, start)
	w.exec(`INSERT INTO register_correction (authority_id, item_id, id, provider_id, query, reason, was_outcome, was_minutes, was_pence, outcome, minutes, pence,
			corrected_by, corrected_at)
		VALUES ($1, $2, $2, $3, '', 'She left at 11.', 'delivered', 180, 500, 'partly_delivered', 60, 167, $4, $5)`, w.authority, item, w.provider, w.person, start)
	w.exec(`INSERT INTO imported_booking (authority_id, reference, booking_id, imported_by, imported_at)
		SELECT authority_id, 'A-1', booking_id, $2, $3 FROM booking_item WHERE id = $1`, item, w.person, start)
}

// paidAhead is a confirmed item of which a deposit was taken.
func (w *world) paidAhead(c child, line, account uuid.UUID) (item, due uuid.UUID) {
	item, due = w.item(c, "confirmed", charge{payer: "budget", pence: 400, line: &line}), shortbreaks.NewID()
	holds := []*payments.Hold{
		{Authority: w.authority, Item: item, ChargeN: 1, Account: account, Line: &line, Unit: payments.InPence, Amount: 100, Due: "deposit"},
		{Authority: w.authority, Item: item, ChargeN: 1, Account: account, Line: &line, Unit: payments.InPence, Amount: 300, Due: "balance"},
	}
	w.must(func(tx *db.Tx) error { return w.place(tx, holds) })
	w.exec(`INSERT INTO item_due (authority_id, item_id, charge_n, what, id, provider_id, due_on, amount_pence, state, taken_at)
		VALUES ($1, $2, 1, 'deposit', $3, $4, $5::timestamptz, 100, 'taken', $5), ($1, $2, 1, 'balance', $6, $4, $5, 300, 'open', NULL)`,
		w.authority, item, due, w.provider, start, shortbreaks.NewID())
	deposit := payments.ItemCapture{Authority: w.authority, Item: item, Child: c.id, Provider: w.provider, Kind: payments.KindDeposit, Source: due, Charges: []payments.ChargeDue{
		{N: 1, Payer: payments.PayerBudget, AmountPence: 100, DuePence: 100, PayableBy: payments.PayableByAuthority, Holds: []payments.Hold{*holds[0]}},
	}}
	w.must(func(tx *db.Tx) error {
		outcomes := payments.CaptureOutcomes(deposit)
		if err := moveLines(tx, payments.LineMoves(outcomes)); err != nil {
			return err
		}
		if err := payments.Resolve(ctx, tx, outcomes); err != nil {
			return err
		}
		return payments.PostCaptures(ctx, tx, []payments.ItemCapture{deposit})
	})
	return item, due
}

// visit is a confirmed visit by the hour in the lane.
func (w *world) visit(c child) uuid.UUID {
	id := w.item(c, "confirmed")
	w.exec(`UPDATE session_places SET taken = 0 FROM booking_item i WHERE i.id = $1 AND session_places.session_id = i.session_id`, id)
	w.exec(`UPDATE booking_item SET session_id = NULL, lane_id = $2 WHERE id = $1`, id, w.lane)
	w.exec(`INSERT INTO lane_claim (provider_id, id, lane_id, item_id, during)
		SELECT provider_id, $2, lane_id, id, tstzrange(starts_at, ends_at + interval '15 minutes') FROM booking_item WHERE id = $1`, id, shortbreaks.NewID())
	return id
}

// mutant is one fault in the data. If a guard of the schema stands in its way,
// the fault must be refused by that guard and found once the guard is gone.
type mutant struct {
	view  string // that must find it
	guard string // constraint, or part of the refusal
	drop  string // takes the guard away
	fault string
}

var mutants = []mutant{
	{
		"transactions_sum", "entries_sum_to_zero", `DROP TRIGGER entries_sum_to_zero ON ledger_entry`,
		`INSERT INTO ledger_entry SELECT authority_id, transaction_id, 99, account_id, unit, 1 FROM ledger_entry LIMIT 1`,
	},
	{
		"transactions_sum", "append-only", `DROP TRIGGER ledger_entry_append_only ON ledger_entry`,
		`UPDATE ledger_entry SET amount = amount + 1 WHERE (transaction_id, n) IN (SELECT transaction_id, n FROM ledger_entry LIMIT 1)`,
	},
	{
		"transactions_sum", "append-only", `DROP TRIGGER ledger_entry_append_only ON ledger_entry`,
		`DELETE FROM ledger_entry WHERE transaction_id = (SELECT id FROM ledger_transaction LIMIT 1)`,
	},
	{"balance_is_entries", "", "", `UPDATE account SET balance = balance + 1 WHERE id = {care}`},
	{"held_is_pending_holds", "", "", `UPDATE account SET held = held - 1 WHERE id = {care}`},
	{
		"free_never_negative", "free_never_negative", `ALTER TABLE account DROP CONSTRAINT free_never_negative`,
		`UPDATE account SET held = balance + 1 WHERE id = {care}`,
	},
	{
		"free_never_negative", "account_check1", `ALTER TABLE account DROP CONSTRAINT account_check1`,
		`UPDATE account SET balance = 5 WHERE kind = 'authority_funding'`,
	},
	{"charges_equal_holds", "", "", `UPDATE hold SET amount = amount - 1 WHERE item_id = {confirmed}`},
	{"charges_equal_holds", "", "", `UPDATE item_charge SET payer = 'family_direct', line_id = NULL WHERE item_id = {confirmed}`},
	{"charges_equal_holds", "", "", `UPDATE booking_item SET price_pence = price_pence + 1 WHERE id = {confirmed}`},
	{"hold_state", "", "", `UPDATE booking_item SET state = 'cancelled_by_family' WHERE id = {confirmed}`},
	{"hold_state", "", "", `UPDATE hold SET state = 'released', resolved_at = now() WHERE item_id = {confirmed}`},
	{"hold_state", "", "", `UPDATE booking_item SET state = 'delivered' WHERE id = {settled}`},
	{"expired_live", "", "", `UPDATE booking_item SET expires_at = audit_now() - interval '2 minutes 1 second' WHERE id = {requested}`},
	{"places", "", "", `UPDATE session_places SET taken = 0`},
	{
		"places", "staff_never_overbooked", `ALTER TABLE session_places DROP CONSTRAINT staff_never_overbooked`,
		`UPDATE session_places SET staff_units = 1, staff_taken = 2`,
	},
	{
		"places", "places_never_oversold", `ALTER TABLE session_places DROP CONSTRAINT places_never_oversold`,
		`UPDATE session_places SET capacity = 0 WHERE taken = 1`,
	},
	{"places", "", "", `DELETE FROM session_places`},
	{"waiting", "", "", `UPDATE session_places SET waiting = 1`},
	{
		"lanes", "lane_never_used_twice", `ALTER TABLE lane_claim DROP CONSTRAINT lane_never_used_twice`,
		`INSERT INTO lane_claim SELECT provider_id, {new}, lane_id, item_id, tstzrange(upper(during) - interval '1 minute', upper(during) + interval '1 hour') FROM lane_claim`,
	},
	{"lanes", "", "", `WITH w AS (UPDATE lane SET worker_id = {new} RETURNING provider_id),
		l AS (INSERT INTO lane (provider_id, id, label, worker_id) SELECT provider_id, {new}, 'Sam again', {new} FROM w RETURNING id)
		INSERT INTO lane_claim SELECT provider_id, {new}, {new}, item_id, during FROM lane_claim`},
	{"lanes", "", "", `UPDATE booking_item SET state = 'cancelled_by_family' WHERE id = {visit}`},
	{"lanes", "", "", `DELETE FROM lane_claim`},
	{"lanes", "", "", `UPDATE lane_claim SET during = tstzrange(lower(during) + interval '1 minute', upper(during))`},
	{"idempotency", "", "", `DELETE FROM idempotency`},
	{"idempotency", "", "", `WITH b AS (UPDATE booking SET created_key = 'k2' RETURNING authority_id, created_by)
		INSERT INTO idempotency SELECT DISTINCT authority_id, created_by, 'k2', 'createBooking', ''::bytea, 201, ''::bytea, now() FROM b`},
	{
		"refunds", "refunds_never_exceed_captures", `ALTER TABLE hold DROP CONSTRAINT refunds_never_exceed_captures`,
		`UPDATE hold SET refunded = captured + 1 WHERE item_id = {settled}`,
	},
	{"refunds", "", "", `DELETE FROM refund`},
	{"refunds", "", "", `WITH r AS (UPDATE refund SET amount_pence = 200) UPDATE hold SET refunded = 200 WHERE item_id = {settled}`},
	{
		"stripe_intents", "top_up_authority_id_payment_intent_id_key", `ALTER TABLE top_up DROP CONSTRAINT top_up_authority_id_payment_intent_id_key`,
		`INSERT INTO top_up (authority_id, id, child_id, person_id, amount_pence, state, idempotency_key, request_hash, payment_intent_id, created_at)
			SELECT authority_id, {new}, child_id, person_id, amount_pence, 'review', 'again', '', payment_intent_id, created_at FROM top_up`,
	},
	{"stripe_intents", "", "", `INSERT INTO top_up (authority_id, id, child_id, person_id, amount_pence, state, idempotency_key, request_hash, payment_intent_id, created_at)
			SELECT {other}, {new}, {stranger}, person_id, amount_pence, 'review', 'again', '', payment_intent_id, created_at FROM top_up`},
	{"stripe_intents", "", "", `UPDATE top_up SET amount_pence = amount_pence + 1`},
	{"stripe_intents", "", "", `UPDATE top_up SET state = 'expired', payment_intent_id = NULL`},
	{
		"tenant_parents", "plan_authority_id_child_id_fkey", `ALTER TABLE plan DROP CONSTRAINT plan_authority_id_child_id_fkey`,
		`INSERT INTO plan VALUES ({other}, {new}, {child}, 'isp', now())`,
	},
	{"tenant_parents", "", "", `UPDATE item_charge SET line_id = {new} WHERE line_id IS NOT NULL`},
	{"tenant_parents", "", "", `UPDATE item_charge SET provider_id = {new}`},
	{"line_limits", "line_never_above_limit", `ALTER TABLE plan_line DROP CONSTRAINT line_never_above_limit`, `UPDATE plan_line SET limit_amount = 1799`},
	{"line_limits", "", "", `UPDATE plan_line SET held = held + 1`},
	{"line_limits", "", "", `UPDATE plan_line SET spent = spent - 1`},
	{
		"settled_items_posted", "event_posts_once", `ALTER TABLE ledger_transaction DROP CONSTRAINT event_posts_once`,
		`INSERT INTO ledger_transaction SELECT authority_id, {new}, kind, source_id, actor_id, at, on_date FROM ledger_transaction WHERE kind = 'capture'`,
	},
	{"settled_items_posted", "", "", `UPDATE hold SET captured = captured - 1 WHERE item_id = {settled}`},
	{"settled_items_posted", "", "", `UPDATE booking_item SET charge_pence = charge_pence + 1 WHERE id = {settled}`},
	{
		"settled_items_posted", "append-only", `DROP TRIGGER ledger_transaction_append_only ON ledger_transaction`,
		`UPDATE ledger_transaction SET kind = 'virement' WHERE kind = 'capture'`,
	},
	{"history", "", "", `UPDATE booking_item SET state = 'delivered' WHERE id = {confirmed}`},
	{"history", "append-only", `DROP TRIGGER item_event_append_only ON item_event`, `DELETE FROM item_event WHERE item_id = {confirmed}`},
	{"history", "", "", `INSERT INTO item_event SELECT authority_id, item_id, {new}, provider_id, 'delivered', 'confirmed', NULL, 'family', false, '', at
		FROM item_event WHERE item_id = {confirmed}`},
	{"entry_units", "", "", `UPDATE hold SET unit = 'nights' WHERE item_id = {confirmed}`},
	{"entry_units", "append-only", `DROP TRIGGER ledger_entry_append_only ON ledger_entry`, `UPDATE ledger_entry SET unit = 'nights'`},
	{"hold_state", "", "", `UPDATE hold SET due = 'advance' WHERE item_id = {paid} AND state = 'captured'`},
	{"settled_items_posted", "", "", `UPDATE booking_item SET state = 'settled', charge_pence = 99 WHERE id = {paid}`},
	{"tickets", "", "", `UPDATE ticket SET used = used + 1`},
	{"tickets", "ticket_never_used_beyond", `ALTER TABLE ticket DROP CONSTRAINT ticket_never_used_beyond`, `UPDATE ticket SET used = count + 1`},
	{"tickets", "", "", `UPDATE booking_item SET ticket_counts = false WHERE id = {confirmed}`},
	{"tickets", "", "", `UPDATE ticket SET valid_to = valid_from`},
	{"tickets", "", "", `UPDATE booking_item SET session_id = NULL WHERE id = {confirmed}`},
	{"tickets", "", "", `UPDATE ticket SET provider_id = {new}`},
	{"credits", "", "", `UPDATE credit SET amount_pence = amount_pence + 1`},
	{"credits", "", "", `UPDATE credit SET again_of = (SELECT id FROM credit WHERE from_id IS NOT NULL) WHERE again_of IS NOT NULL`},
	{"credits", "", "", `UPDATE credit SET moved_pence = moved_pence + 1`},
	{"credits", "", "", `UPDATE credit SET lapsed_pence = 1`},
	{"credits", "credit_never_below_zero", `ALTER TABLE credit DROP CONSTRAINT credit_never_below_zero`, `UPDATE credit SET moved_pence = amount_pence + 1`},
	{"credits", "credit_is_family_money", `DROP TRIGGER credit_is_family_money ON credit`, `UPDATE credit SET account_id = {care} WHERE from_id IS NULL`},
	{"credits", "credit_stays_in_family", `DROP TRIGGER credit_is_family_money ON credit`, `UPDATE credit SET last_on = last_on + 1 WHERE from_id IS NOT NULL`},
	{
		"credits", "append-only", `DROP TRIGGER ledger_transaction_append_only ON ledger_transaction`,
		`UPDATE ledger_transaction SET kind = 'credit_lapse' WHERE kind = 'top_up'`,
	},
	{"budgets_apart", "", "", `WITH t AS (INSERT INTO ledger_transaction VALUES ({authority}, {new}, 'virement', {new}, NULL, '2027-01-04', '2027-01-04') RETURNING id)
		INSERT INTO ledger_entry SELECT {authority}, id, n, account, 'pence', amount FROM t, (VALUES (1, {care}::uuid, -1), (2, {siblings}, 1)) AS e (n, account, amount)`},
	{"paid_ahead", "", "", `UPDATE item_due SET amount_pence = amount_pence - 1 WHERE id = {deposit}`},
	{"paid_ahead", "", "", `UPDATE item_due SET state = 'open', taken_at = NULL WHERE id = {deposit}`},
	{"paid_ahead", "", "", `UPDATE item_due SET state = 'taken', taken_at = due_on WHERE item_id = {paid} AND what = 'balance'`},
	{"paid_ahead", "", "", `UPDATE item_due SET state = 'outside' WHERE item_id = {paid} AND what = 'balance'`},
	{"paid_ahead", "", "", `DELETE FROM item_due WHERE item_id = {paid} AND what = 'balance'`},
	{"paid_ahead", "", "", `UPDATE hold SET due = 'deposit' WHERE item_id = {paid}`},
	{"paid_ahead", "", "", `UPDATE hold SET captured = captured - 1 WHERE item_id = {paid} AND state = 'captured'`},
	{"paid_ahead", "", "", `UPDATE booking_item SET state = 'requested', expires_at = starts_at WHERE id = {paid}`},
	{"paid_ahead", "", "", `INSERT INTO refund SELECT authority_id, {new}, id, 1, 1, '', {person}, starts_at, true FROM booking_item WHERE id = {paid}`},
	{
		"paid_ahead", "event_posts_once", `ALTER TABLE ledger_transaction DROP CONSTRAINT event_posts_once`,
		`WITH t AS (INSERT INTO ledger_transaction SELECT authority_id, {new}, kind, source_id, actor_id, at, on_date FROM ledger_transaction WHERE source_id = {deposit} RETURNING authority_id)
			INSERT INTO ledger_entry SELECT e.authority_id, {new}, e.n, e.account_id, e.unit, e.amount FROM ledger_entry e
			JOIN ledger_transaction t ON t.authority_id = e.authority_id AND t.id = e.transaction_id WHERE t.source_id = {deposit}`,
	},
	{
		"paid_ahead", "append-only", `DROP TRIGGER ledger_transaction_append_only ON ledger_transaction`,
		`UPDATE ledger_transaction SET kind = 'advance' WHERE source_id = {deposit}`,
	},
	{"rounds", "", "", `UPDATE allocation_place SET kept = true`},
	{"rounds", "", "", `UPDATE allocation_entry SET state = 'entered', place = NULL, wish = NULL, booking_id = NULL`},
	{"rounds", "", "", `UPDATE allocation_entry SET child_id = {sibling}`},
	{"rounds", "seed_is_the_one_promised", `ALTER TABLE allocation_round DROP CONSTRAINT seed_is_the_one_promised`, `UPDATE allocation_round SET seed = commitment`},
	{"emergency", "", "", `UPDATE emergency_capacity SET used = 2`},
	{"emergency", "", "", `UPDATE emergency_capacity SET state = 'held', ended_at = NULL, release_hours_before = 1000`},
	{"emergency", "", "", `UPDATE emergency_capacity SET state = 'held', ended_at = NULL, session_id = {new}`},
	{"emergency", "funding_takes_two", `ALTER TABLE contingency_funding DROP CONSTRAINT funding_takes_two`, `UPDATE contingency_funding SET approved_by = proposed_by`},
	{"emergency", "", "", `UPDATE contingency_funding SET amount_pence = amount_pence + 1`},
	{"emergency", "", "", `UPDATE hold SET account_id = (SELECT id FROM account WHERE kind = 'contingency') WHERE item_id = {confirmed}`},
	{"emergency", "append-only", `DROP TRIGGER recharge_append_only ON recharge`, `UPDATE recharge SET amount_pence = 99`},
	{"emergency", "", "", `UPDATE emergency_booking SET recharged_pence = NULL`},
	{"line_limits", "", "", `INSERT INTO recharge SELECT authority_id, {confirmed}, account_id, line_id, 1 FROM recharge`},
	{"charges_equal_holds", "", "", `UPDATE hold SET amount = 399 WHERE account_id = (SELECT id FROM account WHERE kind = 'contingency')`},
	{"own_child", "", "", `UPDATE hold SET account_id = {siblings} WHERE item_id = {confirmed}`},
	{"added_charges", "", "", `UPDATE item_charge SET added = 'extra' WHERE item_id = {settled}`},
	{"added_charges", "", "", `UPDATE extra_time SET state = 'agreed', answered_by = {person}`},
	{"added_charges", "", "", `WITH c AS (UPDATE item_charge SET added = 'late_pick_up' WHERE item_id = {settled} RETURNING n, amount_pence)
		UPDATE item_happening h SET charge_n = c.n, charge_pence = c.amount_pence, cap_pence = c.amount_pence - 1 FROM c`},
	{"own_child", "", "", `UPDATE allocation SET child_id = {sibling} WHERE account_id = {care}`},
}

// Every invariant has a view that finds its fault, and every guard of the
// schema does refuse the fault it is there for. All in one database: each
// fault is rolled back.
func TestEveryAuditViewFindsItsFault(t *testing.T) {
	t.Parallel()
	a := newAuditable(t)
	views := a.views()
	found := map[string]bool{}
	for i, m := range mutants {
		name := fmt.Sprintf("%d %s", i, m.view)
		a.rolledBack(func(tx pgx.Tx) {
			fault := a.words.Replace(m.fault)
			if m.guard != "" {
				a.refused(tx, fault, m.guard)
				_, err := tx.Exec(ctx, m.drop)
				require.NoError(t, err, name)
			}
			tag, err := tx.Exec(ctx, fault)
			require.NoError(t, err, name)
			require.NotZero(t, tag.RowsAffected(), name)
			caught := a.catches(tx, views)
			require.Contains(t, caught, "audit_"+m.view, name)
			found["audit_"+m.view] = true
		})
	}
	for _, v := range views {
		require.True(t, found[v], "no fault shows that %s finds anything", v)
	}
	a.clean()
}

// A parent of another authority, or none, is found behind every foreign key
// inside a tenant.
func TestEveryTenantParentIsAudited(t *testing.T) {
	t.Parallel()
	a := newAuditable(t)
	rows, err := a.owner.Query(ctx, `SELECT c.conrelid::regclass::text, k.attname FROM pg_constraint c
		JOIN pg_attribute f ON f.attrelid = c.conrelid AND f.attnum = c.conkey[1]
		JOIN pg_attribute k ON k.attrelid = c.conrelid AND k.attnum = c.conkey[2]
		WHERE c.contype = 'f' AND f.attname = 'authority_id' ORDER BY 1, 2`)
	require.NoError(t, err)
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Table, Column string }])
	require.NoError(t, err)
	require.Greater(t, len(keys), 20)
	for _, k := range keys {
		a.rolledBack(func(tx pgx.Tx) {
			_, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`) // no triggers, no foreign keys
			require.NoError(t, err)
			tag, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE %s SET %s = gen_random_uuid() WHERE %s IS NOT NULL`, k.Table, k.Column, k.Column))
			require.NoError(t, err)
			require.NotZero(t, tag.RowsAffected(), "no row of %s has %s", k.Table, k.Column)
			require.Contains(t, a.catches(tx, []string{"audit_tenant_parents"}), "audit_tenant_parents", "%s.%s", k.Table, k.Column)
		})
	}
}

// rolledBack runs f as the owner and takes back what it did.
func (a *auditable) rolledBack(f func(tx pgx.Tx)) {
	tx, err := a.owner.Begin(ctx)
	require.NoError(a.t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, `SELECT set_config('app.now', $1, true)`, a.clock.Now().Format(time.RFC3339Nano))
	require.NoError(a.t, err)
	f(tx)
}

// refused wants a statement to fail on a guard, and undoes the failure.
func (a *auditable) refused(tx pgx.Tx, statement, guard string) {
	inner, err := tx.Begin(ctx)
	require.NoError(a.t, err)
	_, err = inner.Exec(ctx, statement)
	require.Error(a.t, err, "%s does not refuse: %s", guard, statement)
	if db.ConstraintName(err) != guard {
		require.ErrorContains(a.t, err, guard)
	}
	require.NoError(a.t, inner.Rollback(ctx))
}

// catches are the views that return rows.
func (a *auditable) catches(tx pgx.Tx, views []string) (caught []string) {
	for _, v := range views {
		var n int
		require.NoError(a.t, tx.QueryRow(ctx, `SELECT count(*) FROM `+v).Scan(&n), v)
		if n > 0 {
			caught = append(caught, v)
		}
	}
	return caught
}

func (a *auditable) views() (views []string) {
	a.must(func(tx *db.Tx) (err error) { views, err = payments.AuditViews(ctx, tx); return err })
	return views
}

func TestAuditTellsWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	a := newAuditable(t)
	require.Len(t, a.views(), 26)
	a.exec(`UPDATE account SET balance = balance + 7 WHERE kind = 'topup' AND child_id = (SELECT child_id FROM booking_item WHERE state = 'settled')`)
	a.exec(`UPDATE session_places SET taken = 0 WHERE session_id = (SELECT session_id FROM booking_item WHERE state = 'settled')`)
	findings, err := payments.Audit(ctx, a.d)
	require.NoError(t, err)
	require.Len(t, findings, 2)
	require.Equal(t, "audit_balance_is_entries", findings[0].View)
	require.Equal(t, &a.authority, findings[0].Authority)
	require.Equal(t, "balance 4857, entries 4850", findings[0].Detail)
	require.Equal(t, "audit_places", findings[1].View)
	require.Nil(t, findings[1].Authority)
	require.Regexp(t, `^session `, findings[1].Subject)
	require.Equal(t, "taken 0 of 1, live items and outside places 1", findings[1].Detail)
}

func TestAuditJudgesByTheTransactionsClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.item(w.child(), "requested") // expires on the 16th at 09:00
	expires := start.AddDate(0, 0, 12)
	w.clock.Set(expires.Add(2 * time.Minute))
	w.clean()
	w.clock.Advance(time.Microsecond)
	findings, err := payments.Audit(ctx, w.d)
	require.NoError(t, err)
	require.Len(t, findings, 1)
	require.Equal(t, "audit_expired_live", findings[0].View)
}

// An item that never got past `held` has no top-up hold yet, and never will if
// it expired there.
func TestAHeldItemNeedNotBeFullyHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.child()
	care := w.allocate(c, "social_care", payments.InPence, 1000)
	line := w.line(c, payments.InPence, 1000, nil)
	item := w.item(c, "held", charge{payer: "budget", pence: 400, line: &line}, charge{payer: "family_top_up", pence: 600})
	w.hold(item, 1, &line, payments.InPence, map[uuid.UUID]int64{care: 400}, care)
	w.clean()
	require.NoError(t, w.release(item, payments.Expired))
	w.become(item, "expired", 0)
	w.clean()
}

// inRound puts a booked child into an allocation round that is done.
func (w *world) inRound(c child, item uuid.UUID) {
	seed := sha256.Sum256([]byte("seed"))
	sum := sha256.Sum256(seed[:])
	w.exec(`INSERT INTO allocation_round (provider_id, id, offer_id, opens_at, closes_at, groups, siblings_together, words, commitment, state, seed, draw, ended_at, opened_by, created_at)
		VALUES ($1, $2, $3, $4, $4::timestamptz + interval '1 hour', '{}', false, '', $5, 'done', $6, '{}', $4, $7, $4)`,
		w.provider, item, w.offer, start, sum[:], seed[:], w.person)
	w.exec(`INSERT INTO allocation_place (provider_id, round_id, session_id, places, kept) SELECT provider_id, id, session_id, 1, false FROM booking_item WHERE id = $1`, item)
	w.exec(`INSERT INTO allocation_entry (authority_id, round_id, child_id, provider_id, offer_id, wishes, state, place, wish, booking_id, created_by, created_at)
		SELECT authority_id, id, $2, provider_id, $3, '[{}]', 'placed', 1, 1, booking_id, $4, $5 FROM booking_item WHERE id = $1`, item, c.id, w.offer, w.person, start)
}
