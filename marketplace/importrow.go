package marketplace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// The columns of a file of offers; ImportHelp says what each holds.
var (
	requiredColumns = []string{
		"title", "summary", "category", "access_route", "age_from", "age_to", "ratio", "setting", "postcode",
		"price_unit", "price", "free_until_hours", "late_fee_percent", "days", "from", "to",
	}
	importColumns = append(slices.Clone(requiredColumns),
		"instant", "publish", "personal_care", "components", "charge_kind", "reduced_price", "reduced_components", "cap",
		"minimum_minutes", "step_minutes", "minutes_with_child", "billed_on", "vat",
		"first_date", "last_date", "except", "places", "bundle_name",
		"minimum_visit", "maximum_visit", "visit_step", "buffer_before", "buffer_after", "lanes")
)

// sheetRow is one row with what is wrong with it.
type sheetRow struct {
	line   int
	cell   map[string]string
	errors []ImportError
}

func (r *sheetRow) fault(column, format string, args ...any) {
	if !r.blamed(column) {
		r.errors = append(r.errors, ImportError{r.line, column, fmt.Sprintf(format, args...)})
	}
}

// blamed reports whether a column already has its fault; one is enough.
func (r *sheetRow) blamed(column string) bool {
	return column != "" && slices.ContainsFunc(r.errors, func(e ImportError) bool { return e.Column == column })
}

// draft reads the row as an offer, noting every cell that cannot be read.
func (r *sheetRow) draft() (OfferDraft, OfferState) {
	staff, children := r.ratio()
	d := OfferDraft{
		Title: r.cell["title"], Summary: r.cell["summary"], Category: r.cell["category"], AccessRoute: r.cell["access_route"],
		AgeFrom: r.number("age_from"), AgeTo: r.number("age_to"), RatioStaff: staff, RatioChildren: children,
		Setting: &SettingDraft{Name: r.cell["setting"], Postcode: r.cell["postcode"]},
		Instant: r.yes("instant"), Content: Content{PersonalCare: r.yes("personal_care")},
		Terms:  tariff.Terms{FreeUntilHours: r.number("free_until_hours"), LateFeePercent: r.number("late_fee_percent")},
		Tariff: r.tariff(),
	}
	switch groups, hourly := r.cell["places"] != "", r.cell["lanes"] != ""; {
	case groups == hourly:
		r.fault("places", "Give places for a group with sessions, or lanes for support by the hour, and not both.")
	case groups:
		d.Sessions = r.series()
	default:
		d.Visits = r.visits()
	}
	state := Draft
	if r.yes("publish") {
		state = Published
	}
	return d, state
}

func (r *sheetRow) tariff() tariff.Tariff {
	options := []tariff.Option{r.option("Standard", tariff.Anyone, "price", "components")}
	if r.cell["reduced_price"] != "" {
		options = append(options, r.option("Reduced rate", tariff.ReducedRate, "reduced_price", "reduced_components"))
	}
	return tariff.Tariff{Options: options}
}

func (r *sheetRow) option(name, who, price, components string) tariff.Option {
	c := tariff.Charge{
		Kind: r.or("charge_kind", "place"), Basis: "per_child", Unit: r.cell["price_unit"], When: "planned", AmountPence: r.pounds(price),
		MinimumMinutes: r.optional("minimum_minutes"), StepMinutes: r.optional("step_minutes"),
		IncludesMinutesWithChild: r.optional("minutes_with_child"), VAT: r.or("vat", "exempt"), Components: r.components(components),
	}
	if c.Unit == tariff.UnitHour && r.cell["charge_kind"] == "" {
		c.Kind = "support"
	}
	if c.StepMinutes > 0 {
		c.StepMode = "up"
	}
	if r.cell["cap"] != "" {
		limit := r.pounds("cap")
		c.CapPence = &limit
	}
	return tariff.Option{Name: name, WhoMayUse: who, PaymentTiming: "arrears", BilledOn: r.or("billed_on", "booked"), Charges: []tariff.Charge{c}}
}

func (r *sheetRow) series() *SessionSeries {
	s := &SessionSeries{
		FirstDate: r.date("first_date"), LastDate: r.date("last_date"), Weekdays: r.days(), From: r.cell["from"], To: r.cell["to"],
		Capacity: r.number("places"),
	}
	for _, text := range r.list("except") {
		on, err := time.Parse(time.DateOnly, text)
		if err != nil {
			r.fault("except", "Give dates such as 2027-02-20; 2027-02-27.")
		}
		s.Except = append(s.Except, on)
	}
	if unit := r.cell["price_unit"]; slices.Contains(tariff.BundleUnits, unit) {
		s.Bundle = &BundleDraft{Name: r.cell["bundle_name"], Unit: unit}
	} else if r.cell["bundle_name"] != "" {
		r.fault("bundle_name", "Only a price by the week, half term, term or quarter has a bundle.")
	}
	return s
}

func (r *sheetRow) visits() *VisitRules {
	v := &VisitRules{
		Days: r.days(), From: r.cell["from"], To: r.cell["to"],
		MinimumMinutes: r.number("minimum_visit"), MaximumMinutes: r.number("maximum_visit"), StepMinutes: r.number("visit_step"),
		BufferBeforeMinutes: r.optional("buffer_before"), BufferAfterMinutes: r.optional("buffer_after"),
	}
	for _, label := range r.list("lanes") {
		v.Lanes = append(v.Lanes, LaneDraft{Label: label})
	}
	return v
}

// number reads a cell that must be there.
func (r *sheetRow) number(column string) int {
	if r.cell[column] == "" {
		r.fault(column, "Give a whole number.")
		return 0
	}
	return r.optional(column)
}

func (r *sheetRow) optional(column string) int {
	text := r.cell[column]
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		r.fault(column, "Give a whole number.")
	}
	return n
}

// pounds reads "12", "12.5" or "£12.50" exactly.
func (r *sheetRow) pounds(column string) shortbreaks.Pence {
	p, ok := parsePounds(r.cell[column])
	if !ok || p < 0 {
		r.fault(column, "Give pounds and pence, such as 12.50.")
	}
	return p
}

// parsePounds reads an amount with at most two places; no float is involved.
func parsePounds(text string) (shortbreaks.Pence, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	digits = strings.TrimPrefix(digits, "£")
	whole, part, _ := strings.Cut(digits, ".")
	if len(whole) == 0 || len(whole) > 7 || len(part) > 2 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+(part + "00")[:2], 10, 64)
	if negative {
		n = -n
	}
	return shortbreaks.Pence(n), err == nil
}

// components reads "staff 9.00; premises 5.50; subsidy -2.00".
func (r *sheetRow) components(column string) (parts []tariff.Component) {
	for _, text := range r.list(column) {
		kind, amount, _ := strings.Cut(text, " ")
		p, ok := parsePounds(strings.TrimSpace(amount))
		if !ok {
			r.fault(column, "Give parts such as staff 9.00; premises 5.50; subsidy -2.00.")
		}
		parts = append(parts, tariff.Component{Kind: kind, AmountPence: p})
	}
	return parts
}

func (r *sheetRow) ratio() (staff, children int) {
	left, right, ok := strings.Cut(r.cell["ratio"], ":")
	staff, err1 := strconv.Atoi(left)
	children, err2 := strconv.Atoi(right)
	if !ok || err1 != nil || err2 != nil {
		r.fault("ratio", "Give staff to children, such as 1:3.")
	}
	return staff, children
}

func (r *sheetRow) yes(column string) bool {
	switch strings.ToLower(r.cell[column]) {
	case "yes", "true":
		return true
	case "", "no", "false":
	default:
		r.fault(column, "Give yes or no.")
	}
	return false
}

func (r *sheetRow) days() (days []int) {
	names := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	for _, word := range strings.FieldsFunc(strings.ToLower(r.cell["days"]), func(c rune) bool { return c == ' ' || c == ';' || c == ',' }) {
		i := slices.Index(names, word)
		if i < 0 {
			r.fault("days", "Give days such as mon wed sat.")
		}
		days = append(days, i+1)
	}
	return days
}

func (r *sheetRow) date(column string) time.Time {
	on, err := time.Parse(time.DateOnly, r.cell[column])
	if err != nil {
		r.fault(column, "Give a date such as 2027-01-09.")
	}
	return on
}

func (r *sheetRow) or(column, otherwise string) string {
	if text := r.cell[column]; text != "" {
		return text
	}
	return otherwise
}

// list splits a cell at its semicolons.
func (r *sheetRow) list(column string) (words []string) {
	for _, w := range strings.Split(r.cell[column], ";") {
		if w = strings.TrimSpace(w); w != "" {
			words = append(words, w)
		}
	}
	return words
}

// blameColumns says which column a value of a draft came from; the longest
// prefix counts.
var blameColumns = map[string]string{
	"/title": "title", "/summary": "summary", "/category": "category", "/access_route": "access_route",
	"/age_from": "age_from", "/age_to": "age_to", "/ratio": "ratio", "/setting/name": "setting", "/setting": "postcode",
	"/cancellation_terms/free_until_hours": "free_until_hours", "/cancellation_terms/late_fee_percent": "late_fee_percent",
	"/tariff/options/0/billed_on": "billed_on", "/tariff/options/1": "reduced_price",
	"/tariff/options/0/charges/0/kind": "charge_kind", "/tariff/options/0/charges/0/unit": "price_unit",
	"/tariff/options/0/charges/0/amount_pence": "price", "/tariff/options/0/charges/0/cap_pence": "cap",
	"/tariff/options/0/charges/0/minimum_minutes": "minimum_minutes", "/tariff/options/0/charges/0/step": "step_minutes",
	"/tariff/options/0/charges/0/includes_minutes_with_child": "minutes_with_child", "/tariff/options/0/charges/0/vat": "vat",
	"/tariff/options/0/charges/0/components": "components", "/tariff/options/1/charges/0/components": "reduced_components",
	"/sessions/first_date": "first_date", "/sessions/last_date": "last_date", "/sessions/weekdays": "days", "/sessions/from": "from",
	"/sessions/to": "to", "/sessions/except": "except", "/sessions/capacity": "places", "/sessions/bundle": "bundle_name",
	"/visits/days": "days", "/visits/from": "from", "/visits/to": "to", "/visits/minimum_minutes": "minimum_visit",
	"/visits/maximum_minutes": "maximum_visit", "/visits/step_minutes": "visit_step", "/visits/buffer_before": "buffer_before",
	"/visits/buffer_after": "buffer_after", "/visits/lanes": "lanes",
}

// blame turns faults of the draft into faults of cells. Where cells could not
// be read, only faults of columns the file has are added: the others follow
// from what could not be read.
func (r *sheetRow) blame(fields []shortbreaks.Field, onlyCells bool) {
	for _, f := range fields {
		column, longest := "", 0
		for prefix, name := range blameColumns {
			if strings.HasPrefix(f.Pointer, prefix) && len(prefix) > longest {
				column, longest = name, len(prefix)
			}
		}
		if _, there := r.cell[column]; there || !onlyCells {
			r.fault(column, "%s", f.Detail)
		}
	}
}
