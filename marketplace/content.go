package marketplace

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// Words of the contract, in its order: what an offer is fit for, what its
// place has, and what is spoken or signed there.
var (
	Needs = []string{
		"autism", "learning_disability", "physical_disability", "wheelchair_user", "sight_loss", "hearing_loss", "sensory_processing",
		"communication", "behaviour", "mental_health", "medical", "epilepsy", "tube_feeding", "life_limiting",
	}
	AccessFeatures = []string{
		"step_free", "lift", "accessible_toilet", "changing_place", "hoist", "quiet_room", "sensory_room", "low_noise", "hearing_loop",
		"sign_language", "visual_timetable", "secure_site", "parking", "accessible_transport", "assistance_dogs",
	}
	Languages = []string{
		"english", "british_sign_language", "makaton", "arabic", "bengali", "chinese", "french", "gujarati", "polish", "portuguese",
		"punjabi", "romanian", "somali", "spanish", "tamil", "turkish", "ukrainian", "urdu", "welsh",
	}
)

// Content is what an offer says of itself beside its price, in lists that a
// family can search by and lines it can read.
type Content struct {
	Needs          TextList // of Needs; none: ask the provider
	AccessFeatures TextList // of AccessFeatures
	Languages      TextList // of Languages
	Included       TextList // in the price, a line each
	ToBring        TextList // by the child, a line each
	Eligibility    string   // who may come, in words; "" is what the access route says (R123)
	PersonalCare   bool     // washing, dressing, eating and using the toilet are helped with
	TransportGiven bool     // the child can be fetched or brought home

	NeedsIntroduction bool // booked for a child only once the provider has met it (R119)
	FirstVisit        bool // the visit by which they meet: booked without an introduction
}

// check notes every line and word of the content that breaks a rule.
func (c Content) check(f *shortbreaks.Faults, at string) {
	for _, list := range []struct {
		name   string
		values TextList
		known  []string
	}{
		{"needs", c.Needs, Needs}, {"access_features", c.AccessFeatures, AccessFeatures}, {"languages", c.Languages, Languages},
	} {
		for i, value := range list.values {
			pointer := fmt.Sprintf("%s/%s/%d", at, list.name, i)
			f.OneOf(pointer, value, list.known)
			f.Unless(slices.Index(list.values, value) == i, pointer, "This is there twice.")
		}
	}
	for _, list := range []struct {
		name  string
		lines TextList
	}{{"included", c.Included}, {"to_bring", c.ToBring}} {
		f.Unless(len(list.lines) <= 20, at+"/"+list.name, "Give at most 20 lines.")
		for i, line := range list.lines {
			f.Text(fmt.Sprintf("%s/%s/%d", at, list.name, i), line, 2, 120)
		}
	}
	if c.Eligibility != "" {
		f.Text(at+"/eligibility", c.Eligibility, 10, 500)
	}
	f.Unless(!c.NeedsIntroduction || !c.FirstVisit, at+"/first_visit", "A first visit is how a child is introduced; it cannot need an introduction itself.")
}

// trimmed is the content with its lines as they are kept.
func (c Content) trimmed() Content {
	lines := func(list TextList) TextList {
		kept := make(TextList, 0, len(list))
		for _, line := range list {
			kept = append(kept, strings.TrimSpace(line))
		}
		return kept
	}
	c.Included, c.ToBring, c.Eligibility = lines(c.Included), lines(c.ToBring), strings.TrimSpace(c.Eligibility)
	return c
}

// eligibilityOf are the words of an access route, for an offer without its
// own: every offer says who may come (R123).
var eligibilityOf = map[string]string{
	"universal":  "Open to every child of the ages shown. You do not need an assessment or a card.",
	"targeted":   "For disabled children of the ages shown. The provider may ask to see a register card or a letter; you do not need an assessment.",
	"specialist": "For children whose plan says they need it. Ask your practitioner for an assessment first.",
}

// EligibilityText says in words who may come: the provider's own, or those of
// the access route.
func (o Offer) EligibilityText() string {
	if o.Eligibility != "" {
		return o.Eligibility
	}
	return eligibilityOf[o.AccessRoute]
}

// OfferEdit is what a provider may change of an offer without a new price.
type OfferEdit struct {
	Edition       int // the one that was read; another is refused
	Title         string
	Summary       string
	Category      string
	AccessRoute   string
	AgeFrom       int
	AgeTo         int
	RatioStaff    int
	RatioChildren int
	Instant       bool
	Content       Content
}

// UpdateOffer changes what an offer says; a co-ordinator may only change
// drafts. The access route of an offer that has been published stays: what
// its price may be was judged by it (L20). Errors: forbidden, not-found,
// invalid, wrong-state, edited-meanwhile.
func UpdateOffer(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID, e OfferEdit) (*OfferDetail, error) {
	return changeAs(ctx, d, who, id, editors, func(tx *db.Tx, o *OfferDetail) error {
		if err := o.mayEdit(who); err != nil {
			return err
		}
		draft := o.Offer.State == Draft
		if e.Edition != o.Offer.Edition {
			return ErrEditedMeanwhile.With("Somebody changed this offer after you read it. Read it again, then make your changes.")
		}
		var f shortbreaks.Faults
		e.check(&f)
		f.Unless(e.Instant || !o.undecided(), "/instant", "Some sessions run only if enough book, and those are booked at once.")
		f.Unless(draft || e.AccessRoute == o.Offer.AccessRoute, "/access_route", "The access route of an offer that has been published cannot change; copy the offer.")
		if err := f.As(shortbreaks.ErrInvalid); err != nil {
			return err
		}
		return e.write(ctx, tx, o.Offer)
	})
}

// undecided reports whether any of the next sessions has a minimum that was not
// decided on yet (T45).
func (o *OfferDetail) undecided() bool {
	return slices.ContainsFunc(o.Sessions, func(s SessionDetail) bool { return s.Minimum != nil && s.Minimum.DecidedAt == nil })
}

func (e OfferEdit) check(f *shortbreaks.Faults) {
	OfferDraft{
		Title: e.Title, Summary: e.Summary, Category: e.Category, AccessRoute: e.AccessRoute, AgeFrom: e.AgeFrom, AgeTo: e.AgeTo,
		RatioStaff: e.RatioStaff, RatioChildren: e.RatioChildren, Content: e.Content,
	}.checkWords(f)
}

const sqlEditOffer = `UPDATE offer SET title = $3, summary = $4, category = $5, access_route = $6, age_from = $7, age_to = $8,
    ratio_staff = $9, ratio_children = $10, instant = $11, needs = $12, access_features = $13, languages = $14, included = $15,
    to_bring = $16, eligibility = $17, personal_care = $18, transport_given = $19, needs_introduction = $20, first_visit = $21,
    edition = edition + 1
WHERE provider_id = $1 AND id = $2`

func (e OfferEdit) write(ctx context.Context, tx *db.Tx, o Offer) error {
	c := e.Content.trimmed()
	done, err := tx.PGX.Exec(ctx, sqlEditOffer, o.ProviderID, o.ID, strings.TrimSpace(e.Title), strings.TrimSpace(e.Summary), e.Category, e.AccessRoute,
		e.AgeFrom, e.AgeTo, e.RatioStaff, e.RatioChildren, e.Instant, c.Needs.texts(), c.AccessFeatures.texts(), c.Languages.texts(),
		c.Included.texts(), c.ToBring.texts(), c.Eligibility, c.PersonalCare, c.TransportGiven,
		c.NeedsIntroduction, c.FirstVisit)
	if err != nil {
		return fmt.Errorf("editing offer %s: %w", o.ID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("editing offer %s: it was not there", o.ID)
	}
	return nil
}

// TextList is a list of texts in one column, text[] in SQL, so that an index
// can find offers by what is in it.
type TextList []string

// texts is the list for pgx, never NULL.
func (l TextList) texts() []string { return append([]string{}, l...) }

// GormDataType is the column's type.
func (TextList) GormDataType() string { return "text[]" }

// Value writes the list as PostgreSQL reads an array.
func (l TextList) Value() (driver.Value, error) {
	text, err := pgtype.NewMap().Encode(pgtype.TextArrayOID, pgtype.TextFormatCode, l.texts(), nil)
	return string(text), err
}

// Scan reads an array as PostgreSQL writes it.
func (l *TextList) Scan(from any) error {
	return pgtype.NewMap().SQLScanner((*[]string)(l)).Scan(from)
}
