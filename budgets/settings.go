package budgets

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Settings are an authority's choices on a date; what it has not chosen is the
// default here.
type Settings struct {
	QuoteLasts       time.Duration // quote_minutes: 30 minutes
	RequestWithin    time.Duration // request_hours: the provider answers within 48 hours, never past the start
	RegisterWithin   time.Duration // register_days: on time within 2 days of the end
	AutoConfirmAfter time.Duration // auto_confirm_days: 7 days after the register

	WaitlistOfferLasts time.Duration // waitlist_hours: a place offered is kept for 24 hours, never past the start

	AgreeAbove     shortbreaks.Pence // agree_above_pence: more than £500.00 is due only once the family agrees (T60)
	AgreeOvernight bool              // agree_overnight: so is a night; true
	CareSheetLasts time.Duration     // care_sheet_days: the family is asked to look again after 180 days
}

// defaultSettings is what holds where nothing was chosen.
var defaultSettings = Settings{
	QuoteLasts: 30 * time.Minute, RequestWithin: 48 * time.Hour, RegisterWithin: 2 * 24 * time.Hour, AutoConfirmAfter: 7 * 24 * time.Hour,
	WaitlistOfferLasts: 24 * time.Hour,
	AgreeAbove:         500_00, AgreeOvernight: true, CareSheetLasts: 180 * 24 * time.Hour,
}

// named is where a stored setting goes and what one of it is.
func (s *Settings) named(name string) (into *time.Duration, unit time.Duration) {
	switch name {
	case "quote_minutes":
		return &s.QuoteLasts, time.Minute
	case "request_hours":
		return &s.RequestWithin, time.Hour
	case "register_days":
		return &s.RegisterWithin, 24 * time.Hour
	case "waitlist_hours":
		return &s.WaitlistOfferLasts, time.Hour
	case "auto_confirm_days":
		return &s.AutoConfirmAfter, 24 * time.Hour
	case "care_sheet_days":
		return &s.CareSheetLasts, 24 * time.Hour
	}
	return nil, 0
}

// agreement takes a stored setting of what needs the family's own yes.
func (s *Settings) agreement(name string, value json.RawMessage) error {
	switch name {
	case "agree_above_pence":
		var n int64
		if err := json.Unmarshal(value, &n); err != nil || n < 0 || n > 100_000_000 {
			return fmt.Errorf("setting %s must be a whole number of pence from 0 to 100000000", name)
		}
		s.AgreeAbove = shortbreaks.Pence(n)
	case "agree_overnight":
		if err := json.Unmarshal(value, &s.AgreeOvernight); err != nil {
			return fmt.Errorf("setting %s must be true or false", name)
		}
	}
	return nil
}

const settingsSQL = `SELECT DISTINCT ON (authority_id, name) authority_id, name, value FROM tenant_setting
	WHERE authority_id = ANY ($1) AND valid_from <= $2 ORDER BY authority_id, name, valid_from DESC`

// SettingsOn are an authority's settings on a London date. The authority must
// be in the scope, or the defaults are all one sees.
func SettingsOn(ctx context.Context, tx *db.Tx, authority uuid.UUID, date time.Time) (Settings, error) {
	of, err := SettingsOfEach(ctx, tx, []uuid.UUID{authority}, date)
	return of[authority], err
}

// SettingsOfEach are the settings of several authorities, as SettingsOn. It is
// the only reader of tenant_setting; names it does not know are another's.
func SettingsOfEach(ctx context.Context, tx *db.Tx, authorities []uuid.UUID, date time.Time) (map[uuid.UUID]Settings, error) {
	of := make(map[uuid.UUID]Settings, len(authorities))
	for _, a := range authorities {
		of[a] = defaultSettings
	}
	rows, err := tx.PGX.Query(ctx, settingsSQL, authorities, date)
	if err != nil {
		return of, fmt.Errorf("read settings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var authority uuid.UUID
		var name string
		var value json.RawMessage
		if err := rows.Scan(&authority, &name, &value); err != nil {
			return of, fmt.Errorf("read settings: %w", err)
		}
		s := of[authority]
		if err := s.set(name, value); err != nil {
			return of, fmt.Errorf("authority %s: %w", authority, err)
		}
		of[authority] = s
	}
	if err := rows.Err(); err != nil {
		return of, fmt.Errorf("read settings: %w", err)
	}
	return of, nil
}

// set takes a value as it is stored; names it does not know are passed over.
func (s *Settings) set(name string, value json.RawMessage) error {
	into, unit := s.named(name)
	if into == nil {
		return s.agreement(name, value)
	}
	var n int64
	if err := json.Unmarshal(value, &n); err != nil || n <= 0 || n > 10_000 {
		return fmt.Errorf("setting %s must be a whole number from 1 to 10000", name)
	}
	*into = time.Duration(n) * unit
	return nil
}
