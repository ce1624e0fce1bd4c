package marketplace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// SheetFormat is how a file of offers is written.
type SheetFormat string

// The formats a file can have.
const (
	CSV  SheetFormat = "csv"
	XLSX SheetFormat = "xlsx"
)

// SheetFormats lists them.
var SheetFormats = []string{string(CSV), string(XLSX)}

// mostExported keeps an answer within bounds; larger providers choose.
const mostExported = 5000

// ExportedStates are what is exported unless something is chosen: what is
// withdrawn is not sold again.
var ExportedStates = []OfferState{Draft, Published, Paused}

// OfferExport says which offers of a provider are wanted, and how.
type OfferExport struct {
	ProviderID *uuid.UUID            // nil: the one the actor acts for
	States     []OfferState          // none: ExportedStates
	OfferIDs   []uuid.UUID           // none: all of them
	Format     SheetFormat           // "" is CSV
	Progress   func(done, total int) // called after each offer; may be nil
}

// OfferSheet is a file of offers.
type OfferSheet struct {
	Name      string // of the file: offers-willow-breaks.csv
	MediaType string
	Offers    int
	Rows      int // without the first
	Body      []byte
}

// ExportOffers writes a provider's offers, the oldest first, as ImportOffers
// reads them: imported by a provider that has none, and exported again, they
// are the same file. See ImportHelp for what is not part of it. Errors:
// forbidden, not-found, invalid.
func ExportOffers(ctx context.Context, d *db.DB, who shortbreaks.Actor, q OfferExport) (*OfferSheet, error) {
	if !who.Is(editors...) {
		return nil, shortbreaks.ErrForbidden
	}
	provider, err := chosenProvider(who, q.ProviderID)
	if err != nil {
		return nil, err
	}
	if q.Format == "" {
		q.Format = CSV
	}
	var f shortbreaks.Faults
	f.OneOf("/format", string(q.Format), SheetFormats)
	if err := f.As(shortbreaks.ErrInvalid); err != nil {
		return nil, err
	}
	var read *exporting
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		read, err = readExport(ctx, tx, provider, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	return read.sheet(q)
}

// sheet writes what was read.
func (e *exporting) sheet(q OfferExport) (*OfferSheet, error) {
	var rows []map[string]string
	for i, o := range e.offers {
		draft, state := e.draft(o)
		rows = append(rows, printOffer(draft, state, e.contracts)...)
		if q.Progress != nil {
			q.Progress(i+1, len(e.offers))
		}
	}
	columns, cells := table(rows)
	s := &OfferSheet{Name: fileName(e.provider.Name) + "." + string(q.Format), MediaType: "text/csv; charset=utf-8", Offers: len(e.offers), Rows: len(cells)}
	var out bytes.Buffer
	write := writeCSV
	if q.Format == XLSX {
		write, s.MediaType = writeXLSX, MediaXLSX
	}
	if err := write(&out, columns, cells); err != nil {
		return nil, fmt.Errorf("writing the offers of provider %s: %w", e.provider.ID, err)
	}
	s.Body = out.Bytes()
	return s, nil
}

// fileName is a name that every system can keep.
func fileName(provider string) string {
	words := strings.FieldsFunc(strings.ToLower(provider), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	name := "offers"
	for _, word := range words {
		if len(name)+len(word) < 60 {
			name += "-" + word
		}
	}
	return name
}

// exporting is what is read of a provider for a file, each table once.
type exporting struct {
	provider   Provider
	now        time.Time
	offers     []Offer
	versions   map[uuid.UUID]Version     // by id
	components map[uuid.UUID][]Component // by version
	settings   map[uuid.UUID]Setting
	terms      map[uuid.UUID]Term // by offer; those still running
	sessions   map[uuid.UUID][]plannedSession
	lanes      map[uuid.UUID][]string // by offer, as they are named in the file
	contracts  contractNames
}

func readExport(ctx context.Context, tx *db.Tx, provider uuid.UUID, q OfferExport) (*exporting, error) {
	e := &exporting{now: tx.Now}
	var err error
	if e.provider, err = gorm.G[Provider](tx.DB).Where("id = ?", provider).First(ctx); errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound.With("There is no such provider.")
	} else if err != nil {
		return nil, fmt.Errorf("reading provider %s: %w", provider, err)
	}
	if err := e.readOffers(ctx, tx, q); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, *db.Tx) error{e.readVersions, e.readPlaces, e.readDates, e.readLanes} {
		if err := read(ctx, tx); err != nil {
			return nil, fmt.Errorf("reading the offers of provider %s: %w", provider, err)
		}
	}
	return e, nil
}

func (e *exporting) readOffers(ctx context.Context, tx *db.Tx, q OfferExport) (err error) {
	states := q.States
	if len(states) == 0 {
		states = ExportedStates
	}
	find := gorm.G[Offer](tx.DB).Where("provider_id = ? AND state IN ?", e.provider.ID, states).Order("created_at, id").Limit(mostExported + 1)
	if len(q.OfferIDs) > 0 {
		find = find.Where("id IN ?", q.OfferIDs)
	}
	if e.offers, err = find.Find(ctx); err != nil {
		return fmt.Errorf("reading the offers of provider %s: %w", e.provider.ID, err)
	}
	if len(e.offers) > mostExported {
		words := fmt.Sprintf("There are more than %d offers; choose by state, or name them.", mostExported)
		return shortbreaks.ErrInvalid.With(words).At("/state", words)
	}
	for _, id := range q.OfferIDs {
		if !slices.ContainsFunc(e.offers, func(o Offer) bool { return o.ID == id }) {
			return shortbreaks.ErrNotFound.With("There is no such offer of yours in these states.")
		}
	}
	return nil
}

// ids are those of the offers, for statements that name them; inBatches keeps
// each below what PostgreSQL takes.
func (e *exporting) inBatches(f func(ids []uuid.UUID) error) error {
	for batch := range slices.Chunk(e.offers, rowsAtOnce) {
		ids := make([]uuid.UUID, len(batch))
		for i, o := range batch {
			ids[i] = o.ID
		}
		if err := f(ids); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporting) readVersions(ctx context.Context, tx *db.Tx) error {
	e.versions, e.components = map[uuid.UUID]Version{}, map[uuid.UUID][]Component{}
	const onSale = "provider_id = ? AND %s IN (SELECT version_id FROM offer WHERE provider_id = ? AND id IN ?)"
	return e.inBatches(func(ids []uuid.UUID) error {
		versions, err := gorm.G[Version](tx.DB).Where(fmt.Sprintf(onSale, "id"), e.provider.ID, e.provider.ID, ids).Find(ctx)
		if err != nil {
			return err
		}
		for _, v := range versions {
			e.versions[v.ID] = v
		}
		parts, err := gorm.G[Component](tx.DB).Where(fmt.Sprintf(onSale, "version_id"), e.provider.ID, e.provider.ID, ids).Order("version_id, n").Find(ctx)
		for _, p := range parts {
			e.components[p.VersionID] = append(e.components[p.VersionID], p)
		}
		return err
	})
}

func (e *exporting) readPlaces(ctx context.Context, tx *db.Tx) error {
	settings, err := gorm.G[Setting](tx.DB).Where("provider_id = ?", e.provider.ID).Find(ctx)
	if err != nil {
		return err
	}
	e.settings = map[uuid.UUID]Setting{}
	for _, s := range settings {
		e.settings[s.ID] = s
	}
	e.contracts, err = gorm.G[Contract](tx.DB).Where("provider_id = ?", e.provider.ID).Order("id").Find(ctx)
	return err
}
