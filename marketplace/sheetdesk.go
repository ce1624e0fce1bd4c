package marketplace

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// sheetDesk is where a file of offers is worked through: the shelf its rows
// are laid out on, and what they name that is not in the file.
type sheetDesk struct {
	ctx       context.Context
	tx        *db.Tx
	who       shortbreaks.Actor
	shelf     *shelf
	lanes     map[string][]uuid.UUID // the provider's, by label, in the order of their ids
	named     map[string]uuid.UUID   // lanes by the name the file gives them
	calendars map[string]*CalendarLimit
	points    map[string]*Point
	broken    error // what went wrong with the database while looking something up
}

func openSheetDesk(ctx context.Context, tx *db.Tx, provider uuid.UUID, who shortbreaks.Actor) (*sheetDesk, error) {
	s, err := openShelf(ctx, tx, provider, who.Person)
	if err != nil {
		return nil, err
	}
	desk := &sheetDesk{
		ctx: ctx, tx: tx, who: who, shelf: s, lanes: map[string][]uuid.UUID{}, named: map[string]uuid.UUID{}, calendars: map[string]*CalendarLimit{},
		points: map[string]*Point{},
	}
	known, err := gorm.G[Lane](tx.DB).Where("provider_id = ?", provider).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the lanes of provider %s: %w", provider, err)
	}
	for _, l := range known {
		desk.lanes[l.Label] = append(desk.lanes[l.Label], l.ID)
	}
	// Thousands of rows share a few postcodes: each is looked up once.
	locate := s.locate
	s.locate = func(postcode string) (Point, bool) {
		p, looked := desk.points[postcode]
		if !looked {
			if found, known := locate(postcode); known {
				p = &found
			}
			desk.points[postcode] = p
		}
		if p == nil {
			return Point{}, false
		}
		return *p, true
	}
	return desk, nil
}

func (desk *sheetDesk) lookups() lookups {
	return lookups{contracts: desk.shelf.contracts, calendar: desk.calendar, lane: desk.lane}
}

// lane is the one of this name: the provider's, or one made for the file. Two
// offers that name the same worker share the lane, so that nobody is booked
// twice at once (T52).
func (desk *sheetDesk) lane(text string) LaneDraft {
	if id, named := desk.named[text]; named {
		return LaneDraft{ID: &id}
	}
	label, n := laneName(text)
	var id uuid.UUID
	if known := desk.lanes[label]; n <= len(known) {
		id = known[n-1]
	} else {
		lane := Lane{ProviderID: desk.shelf.provider.ID, ID: shortbreaks.NewID(), Label: label}
		desk.shelf.lanes, id = append(desk.shelf.lanes, lane), lane.ID
	}
	desk.named[text] = id
	return LaneDraft{ID: &id}
}

const sqlCalendarNamed = `SELECT id, NULL::uuid FROM school WHERE name = $1 UNION ALL SELECT NULL::uuid, id FROM authority WHERE name = $1 LIMIT 2`

// calendar reads "term_time NAME" or "holidays NAME".
func (desk *sheetDesk) calendar(text string) (*CalendarLimit, string) {
	if limit := desk.calendars[text]; limit != nil {
		return limit, ""
	}
	only, name, _ := strings.Cut(text, " ")
	name = unquoted(strings.TrimSpace(name))
	if only != string(TermTime) && only != string(Holidays) {
		return nil, "Write term_time or holidays and the name of a school or an authority."
	}
	rows, err := desk.tx.PGX.Query(desk.ctx, sqlCalendarNamed, name)
	if err != nil {
		desk.broken = fmt.Errorf("looking for a calendar: %w", err)
		return nil, ""
	}
	defer rows.Close()
	limit, found := &CalendarLimit{Only: DatesOnly(only)}, 0
	for rows.Next() {
		found++
		if err := rows.Scan(&limit.SchoolID, &limit.AuthorityID); err != nil {
			desk.broken = fmt.Errorf("looking for a calendar: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		desk.broken = fmt.Errorf("looking for a calendar: %w", err)
	}
	switch {
	case found == 0:
		return nil, "There is no school or authority of this name."
	case found > 1:
		return nil, "Several have this name; list the dates."
	}
	desk.calendars[text] = limit
	return limit, ""
}
