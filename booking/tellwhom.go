package booking

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/people"
)

// recipient is one person to be told something, and as what.
type recipient struct {
	person uuid.UUID
	role   shortbreaks.Role
	kind   NewsKind
}

// whom knows who is concerned with children, providers and lanes: a child's
// family, a provider's owners and co-ordinators, and whoever makes a visit.
type whom struct {
	family map[uuid.UUID][]uuid.UUID // by child
	staff  map[uuid.UUID][]recipient // by provider
	worker map[uuid.UUID]uuid.UUID   // by lane

	council map[uuid.UUID][]recipient // by authority
}

// by is everybody a fact is told to, but the one who did it.
func (w whom) by(f fact) (all []recipient) {
	if f.Family != "" {
		for _, person := range w.family[f.Child] {
			all = append(all, recipient{person, shortbreaks.Family, f.Family})
		}
	}
	if f.ToProvider != "" {
		for _, r := range w.staff[f.Provider] {
			all = append(all, recipient{r.person, r.role, f.ToProvider})
		}
	}
	for _, r := range w.council[f.Authority] {
		if f.ToCouncil != "" && r.role == councilRole(f.ToCouncil) {
			all = append(all, recipient{r.person, r.role, f.ToCouncil})
		}
	}
	if kind := f.toWorker(); kind != "" && f.Lane != nil {
		if person, ok := w.worker[*f.Lane]; ok {
			all = append(all, recipient{person, shortbreaks.Worker, kind})
		}
	}
	return slices.DeleteFunc(all, func(r recipient) bool { return f.By != nil && r.person == *f.By })
}

// toWorker is what the one who makes a visit is told: what becomes of it, and
// nothing of requests and agreement, which are others' to answer.
func (f fact) toWorker() NewsKind {
	for _, kind := range []NewsKind{f.Family, f.ToProvider} {
		switch kind {
		case NewsAccepted, NewsCancelledByFamily, NewsCancelledProvider, NewsCancelledAuthority, NewsMoved, NewsMessage, NewsDayBefore:
			return kind
		case NewsBooked:
			if f.ToProvider == NewsBooked {
				return kind
			}
		}
	}
	return ""
}

// whomOf reads who is concerned with facts, by the roles of today.
func whomOf(ctx context.Context, tx *db.Tx, facts []fact) (w whom, err error) {
	var authorities, councils, children, providers, lanes []uuid.UUID
	for _, f := range facts {
		authorities, children, providers = append(authorities, f.Authority), append(children, f.Child), append(providers, f.Provider)
		if f.Lane != nil {
			lanes = append(lanes, *f.Lane)
		}
		if f.ToCouncil != "" {
			councils = append(councils, f.Authority)
		}
	}
	if w.family, err = familiesOf(ctx, tx, authorities, children); err != nil {
		return w, err
	}
	if w.staff, err = staffOf(ctx, tx, providers); err != nil {
		return w, err
	}
	if w.council, err = councilOf(ctx, tx, councils); err != nil {
		return w, err
	}
	w.worker = map[uuid.UUID]uuid.UUID{}
	rows, err := tx.PGX.Query(ctx, `SELECT l.id, w.person_id FROM lane l JOIN worker w ON w.provider_id = l.provider_id AND w.id = l.worker_id
		JOIN staff s ON s.provider_id = w.provider_id AND s.person_id = w.person_id AND s.role = 'worker' AND s.starts_on <= $3 AND (s.ends_on IS NULL OR s.ends_on >= $3)
		WHERE l.provider_id = ANY ($1) AND l.id = ANY ($2)`, providers, lanes, shortbreaks.Date(tx.Now))
	if err != nil {
		return w, fmt.Errorf("read who makes visits: %w", err)
	}
	var lane, person uuid.UUID
	if _, err = pgx.ForEachRow(rows, []any{&lane, &person}, func() error { w.worker[lane] = person; return nil }); err != nil {
		return w, fmt.Errorf("read who makes visits: %w", err)
	}
	return w, nil
}

// familiesOf are those who are family of children today.
func familiesOf(ctx context.Context, tx *db.Tx, authorities, children []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT m.person_id FROM child c JOIN family_member m ON m.authority_id = c.authority_id AND m.family_id = c.family_id
		WHERE c.authority_id = ANY ($1) AND c.id = ANY ($2)`, authorities, children)
	if err != nil {
		return nil, fmt.Errorf("read families: %w", err)
	}
	persons, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read families: %w", err)
	}
	of, err := people.Families(ctx, tx, persons)
	if err != nil {
		return nil, err
	}
	by := map[uuid.UUID][]uuid.UUID{}
	for _, person := range persons { // in a fixed order, so that two who tell at once never wait crosswise
		for _, child := range of[person] {
			by[child] = append(by[child], person)
		}
	}
	return by, nil
}

// staffOf are the owners and co-ordinators of providers today, once each.
func staffOf(ctx context.Context, tx *db.Tx, providers []uuid.UUID) (map[uuid.UUID][]recipient, error) {
	rows, err := tx.PGX.Query(ctx, `SELECT DISTINCT ON (provider_id, person_id) provider_id, person_id, role FROM staff
		WHERE provider_id = ANY ($1) AND role IN ('provider_owner', 'coordinator') AND starts_on <= $2 AND (ends_on IS NULL OR ends_on >= $2)
		ORDER BY provider_id, person_id, role`, providers, shortbreaks.Date(tx.Now))
	if err != nil {
		return nil, fmt.Errorf("read staff to tell: %w", err)
	}
	by := map[uuid.UUID][]recipient{}
	var provider uuid.UUID
	var r recipient
	_, err = pgx.ForEachRow(rows, []any{&provider, &r.person, (*string)(&r.role)}, func() error {
		by[provider] = append(by[provider], r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read staff to tell: %w", err)
	}
	return by, nil
}
