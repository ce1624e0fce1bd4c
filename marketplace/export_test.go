package marketplace

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// Stretch is when a session runs.
type Stretch = stretch

// What tests of the pure rules look at.
var (
	FactsOf = factsOf
	CoverOf = coverOf
)

// ReadRules reads the rules that ship.
func ReadRules(ctx context.Context, tx *db.Tx) ([]CredentialRule, []RatioRule, error) {
	b, err := readBook(ctx, tx, [16]byte{})
	return b.credentials, b.ratios, err
}

// Better is promise.better of a promise made of its parts.
func Better(full bool, first time.Time, offer uuid.UUID, than Compared) bool {
	return promise{candidate: candidate{offerKey: offerKey{Offer: offer}}, full: full, first: first}.better(than)
}

// Rescaled is rescaled, for its property.
var Rescaled = rescaled

// ContactIn is contactIn, NamedIn is namedIn.
var (
	ContactIn = contactIn
	NamedIn   = namedIn
)

// Inspect is inspect.
var Inspect = inspect

// Remade is a picture as its tests see it.
type Remade struct {
	Large, Small                           []byte
	Width, Height, SmallWidth, SmallHeight int
}

// Remake is remake.
func Remake(raw []byte, contentType string) (Remade, error) {
	p, err := remake(raw, contentType)
	if err != nil {
		return Remade{}, err
	}
	return Remade{p.large, p.small, p.width, p.height, p.smallWidth, p.smallHeight}, nil
}

// LapsedOn is LapsedAges of one offer.
func LapsedOn(ctx context.Context, tx *db.Tx, o *OfferDetail, on time.Time) (int32, error) {
	ages, err := LapsedAges(ctx, tx, []offerKey{{o.Provider.ID, o.Offer.ID}}, on)
	return ages[o.Offer.ID], err
}

// SheetRows writes drafts as a file of offers would hold them.
func SheetRows(format SheetFormat, contracts []Contract, drafts ...OfferDraft) ([]byte, error) {
	var rows []map[string]string
	for _, d := range drafts {
		rows = append(rows, printOffer(d, Draft, contracts)...)
	}
	var out bytes.Buffer
	columns, cells := table(rows)
	if format == XLSX {
		err := writeXLSX(&out, columns, cells)
		return out.Bytes(), err
	}
	err := writeCSV(&out, columns, cells)
	return out.Bytes(), err
}

// ReadSheet reads them back, without a database.
func ReadSheet(raw []byte, contracts []Contract) (drafts []OfferDraft, faults []ImportError, err error) {
	s, err := readSheet(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, err
	}
	faults = s.errors
	find := lookups{
		contracts: contracts,
		calendar:  func(string) (*CalendarLimit, string) { return nil, "There is no school or authority of this name." },
		lane:      func(text string) LaneDraft { return LaneDraft{Label: text} },
	}
	for _, block := range s.blocks() {
		o := &sheetOffer{rows: block}
		d, _ := o.draft(find)
		if len(o.faults()) == 0 {
			o.blame(d.check(time.Time{}).Fields, false)
		}
		drafts, faults = append(drafts, d), append(faults, o.faults()...)
	}
	return drafts, faults, nil
}

// SheetCells are the cells of a file, row by row, the first being the columns.
func SheetCells(raw []byte) ([][]string, error) {
	s, err := readSheet(bytes.NewReader(raw))
	return append([][]string{s.columns}, s.cells...), err
}

// SheetColumns is sheetColumns.
var SheetColumns = sheetColumns

// BareTariff is withoutSubsidies.
var BareTariff = withoutSubsidies

// CellForms are the notations of cells: each reads a text and writes what it
// read, or says that it cannot.
var CellForms = map[string]func(string) (string, bool){
	"rate": func(text string) (string, bool) {
		r, ok := parseRate(text, "hour")
		if !ok {
			return "", false
		}
		return printRate(r), true
	},
	"window": form(parseWindow, printWindow), "nth_child": form(parseNthChild, printNthChild), "long_stay": form(parseLongStay, printLongStay),
	"cost_shares": form(parseShares, printShares), "components": form(parseComponents, printComponents), "reasons": form(parseReasons, printReasons),
	"days":   form(parseDays, printDays),
	"steps":  form(func(text string) ([]tariff.TermStep, bool) { return parseSteps(text, ';') }, func(s []tariff.TermStep) string { return printSteps(s, ";") }),
	"points": form(parsePoints, printPoints), "pounds": form(parsePounds, printPounds), "ratio": form(parseRatio, printRatio),
	"on": form(parseOn, printOn),
	"sells": func(text string) (string, bool) {
		b, m, ok := parseSells(text)
		return printSells(tariff.Option{Block: b, Membership: m}), ok
	},
	"payment": func(text string) (string, bool) {
		timing, p, ok := parsePayment(text)
		return printPayment(tariff.Option{PaymentTiming: timing, Payment: p}), ok
	},
	"lane": func(text string) (string, bool) {
		label, n := laneName(text)
		return printLane(label, n), label != ""
	},
	"companions": form(parseCompanions, printCompanions),
	"list": func(text string) (string, bool) {
		var lines []string
		for _, part := range splitCell(text, ';') {
			lines = append(lines, unquoted(part))
		}
		return printLines(lines), true
	},
}

func form[T any](parse func(string) (T, bool), print func(T) string) func(string) (string, bool) {
	return func(text string) (string, bool) {
		value, ok := parse(text)
		if !ok {
			return "", false
		}
		return print(value), true
	}
}

// Guard is guard, Unguard is unguard.
var (
	Guard   = guard
	Unguard = unguard
)

// TakePlaces is QueueTakePlaces alone.
func TakePlaces(ctx context.Context, tx *db.Tx, n map[PlaceKey]int) error {
	return movePlaces(ctx, tx, sqlTakePlaces, n)
}

// ClaimLanes is QueueClaimLanes alone, and its refusal.
func ClaimLanes(ctx context.Context, tx *db.Tx, claims []LaneClaim) error {
	var batch pgx.Batch
	QueueClaimLanes(&batch, claims)
	if batch.Len() == 0 {
		return nil
	}
	err := tx.PGX.SendBatch(ctx, &batch).Close()
	if TakenLane(err) {
		return ErrLaneTaken
	}
	return err
}
