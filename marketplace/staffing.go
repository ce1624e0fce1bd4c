package marketplace

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// CompanionKinds are those who may come with a child and take places as the
// offer counts them (T96).
var CompanionKinds = []string{"sibling", "carer", "personal_assistant"}

var (
	sqlTakeStaff = db.NewExact("taking staff", `
UPDATE session_places p SET staff_taken = p.staff_taken + k.n
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (provider_id, session_id, n)
WHERE p.provider_id = k.provider_id AND p.session_id = k.session_id`, 3)

	sqlGiveBackStaff = db.NewExact("giving back staff", `
UPDATE session_places p SET staff_taken = p.staff_taken - k.n
FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (provider_id, session_id, n)
WHERE p.provider_id = k.provider_id AND p.session_id = k.session_id`, 3)
)

// QueueTakeStaff takes n units of staff of each session, whose counters the caller
// has locked with LockPlaces. Taking more than there are breaks
// staff_never_overbooked and takes none.
func QueueTakeStaff(batch *pgx.Batch, n map[PlaceKey]int) {
	queueMove(batch, sqlTakeStaff, n)
}

// GiveBackStaff gives back n units of staff of each session, whose counters the
// caller has locked.
func GiveBackStaff(ctx context.Context, tx *db.Tx, n map[PlaceKey]int) error {
	return movePlaces(ctx, tx, sqlGiveBackStaff, n)
}

// checkCompanions holds how an offer counts companions against the rules.
func checkCompanions(f *shortbreaks.Faults, at string, counts map[string]int) {
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		f.OneOf(at, kind, CompanionKinds)
		f.Within(at+"/"+kind, counts[kind], 0, 5)
	}
}

// companions refuses people whom an offer does not admit.
func (o *Offered) companions(w Want) error {
	var f shortbreaks.Faults
	total := 0
	for kind, n := range w.Companions {
		_, admitted := o.Offer.Companions[kind]
		f.Unless(admitted && o.Offer.Visits == nil, "/companions/"+kind, "This offer does not take a %s along.", shortbreaks.Spaced(kind))
		f.Within("/companions/"+kind, n, 1, 5)
		total += n
	}
	f.Unless(total <= 8, "/companions", "At most 8 people come along.")
	return f.As(shortbreaks.ErrInvalid)
}
