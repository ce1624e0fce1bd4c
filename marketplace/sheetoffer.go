package marketplace

import (
	"slices"
	"strings"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// sheetOffer is one offer of a file: its rows, and which of them said what, so
// that a fault is told where it stands.
type sheetOffer struct {
	rows    []*sheetRow
	charges [][]*sheetRow // by option, then by charge
	reduced int           // the option made of reduced_price; 0: none
	series  []*sheetRow   // further dates
}

// lookups are what a file names that is not in it.
type lookups struct {
	contracts contractNames
	calendar  func(text string) (*CalendarLimit, string)
	lane      func(text string) LaneDraft
}

// draft reads the rows as an offer, noting every cell that cannot be read.
func (o *sheetOffer) draft(find lookups) (OfferDraft, OfferState) {
	head := o.rows[0]
	ratio := head.ratio("ratio")
	d := OfferDraft{
		Title: head.cell["title"], Summary: head.cell["summary"], Category: head.cell["category"], AccessRoute: head.cell["access_route"],
		AgeFrom: head.number("age_from"), AgeTo: head.number("age_to"), RatioStaff: ratio.Staff, RatioChildren: ratio.Children,
		Setting: head.setting(), Instant: head.yes("instant"), Content: head.content(), Terms: head.terms(),
		NoticeMinutes: head.optional("notice_minutes"), Companions: parsed(head, "companions", "sibling 1; carer 0", parseCompanions),
	}
	if head.cell["horizon_days"] != "" {
		days := head.optional("horizon_days")
		d.HorizonDays = &days
	}
	o.checkRows()
	d.Tariff = o.tariff(find.contracts)
	o.readDates(&d, find)
	state := Draft
	if head.yes("publish") {
		state = Published
		if d.datesLater {
			head.fault("publish", "An offer without dates cannot be on sale; import a draft.")
		}
	}
	return d, state
}

// checkRows notes cells in the rows below that say what only the first can.
func (o *sheetOffer) checkRows() {
	for _, r := range o.rows[1:] {
		for _, column := range sheetColumns {
			below := slices.Contains(priceColumns, column) && column != "reduced_price" && column != "reduced_components" || slices.Contains(seriesCells, column)
			if r.cell[column] != "" && !below {
				r.fault(column, "This belongs in the row with the title.")
			}
		}
	}
}

// tariff reads the options and their charges.
func (o *sheetOffer) tariff(contracts contractNames) (t tariff.Tariff) {
	for i, r := range o.rows {
		if i > 0 && !r.has(priceColumns...) {
			continue
		}
		if r.cell["json"] != "" {
			o.addJSON(&t, r, contracts)
			continue
		}
		if i > 0 && r.cell["option"] == "" {
			for _, column := range priceColumns[:8] {
				if r.cell[column] != "" {
					r.fault(column, "This goes with the name of an option.")
				}
			}
			o.addCharge(&t, r, r.chargeOf("price", "components"))
			continue
		}
		option := r.optionOf(contracts)
		option.Charges = []tariff.Charge{r.chargeOf("price", "components")}
		o.addOption(&t, r, option)
		if i > 0 || r.cell["reduced_price"] == "" {
			if i == 0 && r.cell["reduced_components"] != "" {
				r.fault("reduced_price", "Say what the parts of the reduced price come to.")
			}
			continue
		}
		option.Name, option.WhoMayUse = reducedOption, tariff.ReducedRate
		option.MemberOf, option.ContractID, option.Scheme = "", nil, ""
		option.Charges = []tariff.Charge{r.chargeOf("reduced_price", "reduced_components")}
		o.reduced = 1
		o.addOption(&t, r, option)
	}
	return t
}

func (o *sheetOffer) addOption(t *tariff.Tariff, r *sheetRow, option tariff.Option) {
	t.Options = append(t.Options, option)
	o.charges = append(o.charges, slices.Repeat([]*sheetRow{r}, max(1, len(option.Charges))))
}

// addCharge adds a charge to the option above.
func (o *sheetOffer) addCharge(t *tariff.Tariff, r *sheetRow, c tariff.Charge) {
	last := len(t.Options) - 1
	t.Options[last].Charges = append(t.Options[last].Charges, c)
	o.charges[last] = append(o.charges[last], r)
}

// addJSON adds what the json column holds.
func (o *sheetOffer) addJSON(t *tariff.Tariff, r *sheetRow, contracts contractNames) {
	option, charge := r.jsonPrice()
	switch {
	case option != nil:
		o.addOption(t, r, *option)
	case len(t.Options) > 0 && r.cell["option"] == "":
		o.addCharge(t, r, *charge)
	default:
		option := r.optionOf(contracts)
		option.Charges = []tariff.Charge{*charge}
		o.addOption(t, r, option)
	}
}

func (r *sheetRow) setting() *SettingDraft {
	s := &SettingDraft{Name: r.cell["setting"], Postcode: r.cell["postcode"], address: r.list("address"), access: r.cell["place_access"]}
	if len(s.address) > 5 || slices.ContainsFunc(s.address, func(line string) bool { return len([]rune(line)) > 120 }) {
		r.fault("address", "Give at most 5 lines of at most 120 characters.")
	}
	if len([]rune(s.access)) > 2000 {
		r.fault("place_access", "Write at most 2000 characters.")
	}
	return s
}

func (r *sheetRow) content() Content {
	return Content{
		Needs: r.list("needs"), AccessFeatures: r.list("access_features"), Languages: r.list("languages"), Included: r.list("included"),
		ToBring: r.list("to_bring"), Eligibility: r.cell["eligibility"], PersonalCare: r.yes("personal_care"), TransportGiven: r.yes("transport"),
		NeedsIntroduction: r.introduction("needed"), FirstVisit: r.introduction("first_visit"),
	}
}

// introduction reports whether the one column of the two flags says this one.
func (r *sheetRow) introduction(flag string) bool {
	said := r.cell["introduction"]
	if flag == "needed" && said != "" && said != "needed" && said != "first_visit" {
		r.fault("introduction", "Write needed or first_visit, or leave it empty.")
	}
	return said == flag
}

// terms reads the two plain figures, or a choice, or steps.
func (r *sheetRow) terms() tariff.Terms {
	t := tariff.Terms{
		WaivedIfRefilled: r.yes("waived_if_refilled"), PartialPaid: r.cell["partial_paid"],
		Reasons: parsed(r, "cancellation_reasons", "ill: 2 hours free, 0 hours 50%; hospital: 0 hours free", parseReasons),
	}
	if r.has("credit_days") {
		t.Credit = &tariff.CreditTerms{Days: r.number("credit_days"), Siblings: r.yes("credit_siblings")}
	}
	own := r.cell["cancellation"]
	switch {
	case own == "":
		t.FreeUntilHours, t.LateFeePercent = r.number("free_until_hours"), r.number("late_fee_percent")
	case r.has("free_until_hours", "late_fee_percent"):
		r.fault("cancellation", "Give free_until_hours and late_fee_percent, or cancellation, and not both.")
	case slices.Contains(tariff.Choices, own):
		t.Choice = own
	default:
		steps, ok := parseSteps(own, ';')
		if t.Steps = steps; !ok {
			r.fault("cancellation", "Give one of %s, or steps such as 14 days free; 48 hours 50%%; 0 hours 10.00.", shortbreaks.Listed(tariff.Choices))
		}
	}
	return t
}

// blame turns faults of the draft into faults of cells. Where cells could not
// be read, only faults of columns the file has are added: the others follow
// from what could not be read.
func (o *sheetOffer) blame(fields []shortbreaks.Field, onlyCells bool) {
	for _, f := range fields {
		row, column := o.place(f.Pointer)
		if _, there := row.cell[column]; there || !onlyCells {
			row.fault(column, "%s", f.Detail)
		}
	}
}

// unread reports whether a cell of any row could not be read.
func (o *sheetOffer) unread() bool {
	return slices.ContainsFunc(o.rows, func(r *sheetRow) bool { return len(r.errors) > 0 })
}

// faults are all that is wrong with the offer, row by row.
func (o *sheetOffer) faults() (all []ImportError) {
	for _, r := range o.rows {
		all = append(all, r.errors...)
	}
	return all
}

// place is the row and the column a value of the draft came from.
func (o *sheetOffer) place(pointer string) (*sheetRow, string) {
	head := o.rows[0]
	if rest, is := strings.CutPrefix(pointer, "/tariff/options/"); is {
		return o.pricePlace(rest)
	}
	if rest, is := strings.CutPrefix(pointer, "/sessions/more/"); is {
		n, rest := numberBefore(rest)
		if n >= 0 && n < len(o.series) {
			return o.series[n], longestPrefix(blameColumns, "/sessions"+rest)
		}
	}
	column := longestPrefix(blameColumns, pointer)
	if strings.HasPrefix(pointer, "/sessions/") && head.cell["rule"] != "" && column == "days" {
		column = "rule"
	}
	if strings.HasPrefix(pointer, "/cancellation_terms") && column != "cancellation_reasons" && column != "credit_days" && head.cell["cancellation"] != "" {
		column = "cancellation"
	}
	return head, column
}

// pricePlace places a pointer below /tariff/options/.
func (o *sheetOffer) pricePlace(rest string) (*sheetRow, string) {
	option, rest := numberBefore(rest)
	if option < 0 || option >= len(o.charges) {
		return o.rows[0], "price"
	}
	charge, named := 0, blameOption
	if after, is := strings.CutPrefix(rest, "/charges/"); is {
		charge, rest = numberBefore(after)
		named = blameCharge
	}
	row := o.charges[option][min(max(0, charge), len(o.charges[option])-1)]
	column := longestPrefix(named, rest)
	switch {
	case row.cell["json"] != "":
		column = "json"
	case o.reduced > 0 && option == o.reduced && column == "components":
		column = "reduced_components"
	case o.reduced > 0 && option == o.reduced:
		column = "reduced_price"
	case column == "step_mode" && row.cell["step_mode"] == "":
		column = "step_minutes"
	}
	return row, column
}

// numberBefore takes a number off the front of a pointer; -1 if there is none.
func numberBefore(pointer string) (int, string) {
	digits, _, _ := strings.Cut(pointer, "/")
	n, ok := wholeNumber(digits)
	if !ok {
		n = -1
	}
	return n, pointer[len(digits):]
}

// longestPrefix finds the column of the longest prefix that fits.
func longestPrefix(columns map[string]string, pointer string) (column string) {
	longest := -1
	for prefix, name := range columns {
		if strings.HasPrefix(pointer, prefix) && len(prefix) > longest {
			column, longest = name, len(prefix)
		}
	}
	return column
}

// Which column a value of a draft came from; the longest prefix counts.
var (
	blameColumns = map[string]string{
		"/title": "title", "/summary": "summary", "/category": "category", "/access_route": "access_route",
		"/age_from": "age_from", "/age_to": "age_to", "/ratio": "ratio", "/setting/name": "setting", "/setting": "postcode",
		"/notice_minutes": "notice_minutes", "/horizon_days": "horizon_days", "/companions": "companions",
		"/content/needs": "needs", "/content/access_features": "access_features", "/content/languages": "languages", "/content/included": "included",
		"/content/to_bring": "to_bring", "/content/eligibility": "eligibility",
		"/cancellation_terms/free_until_hours": "free_until_hours", "/cancellation_terms/late_fee_percent": "late_fee_percent",
		"/cancellation_terms/reasons": "cancellation_reasons", "/cancellation_terms/partial_paid": "partial_paid", "/cancellation_terms/credit": "credit_days",
		"/cancellation_terms":  "cancellation",
		"/tariff":              "price",
		"/sessions/first_date": "first_date", "/sessions/last_date": "last_date", "/sessions/weekdays": "days", "/sessions/from": "from",
		"/sessions/rrule": "rule", "/sessions/dates": "dates", "/sessions/calendar": "calendar",
		"/sessions/to": "to", "/sessions/except": "except", "/sessions/capacity": "places", "/sessions/bundle": "bundle_name",
		"/sessions/bundle/planned": "bundle_dates", "/sessions/bundle/span": "bundle_span",
		"/sessions/staff_units": "staff_units", "/sessions/minimum": "minimum_places", "/sessions/minimum/decide_hours_before": "decide_hours_before",
		"/visits/days": "days", "/visits/from": "from", "/visits/to": "to", "/visits/minimum_minutes": "minimum_visit",
		"/visits/maximum_minutes": "maximum_visit", "/visits/step_minutes": "visit_step", "/visits/buffer_before": "buffer_before",
		"/visits/buffer_after": "buffer_after", "/visits/lanes": "lanes",
	}
	blameOption = map[string]string{
		"": "option", "/name": "option", "/who_may_use": "who_may_use", "/member_of": "who_may_use", "/contract_id": "who_may_use", "/scheme": "who_may_use",
		"/ratio": "at_ratio", "/valid_from": "valid_from", "/valid_to": "valid_to", "/payment": "payment", "/billed_on": "billed_on",
		"/block": "sells", "/membership": "sells", "/charges": "price",
	}
	blameCharge = map[string]string{
		"": "price", "/kind": "charge_kind", "/basis": "basis", "/smallest_group": "basis", "/unit": "price_unit", "/when": "event", "/event": "event",
		"/each_minutes": "event", "/optional": "optional", "/only": "only", "/amount_pence": "price", "/rate": "rate", "/minimum_minutes": "minimum_minutes",
		"/step_minutes": "step_minutes", "/step_mode": "step_mode", "/nth_child": "nth_child", "/long_stay": "long_stay", "/cap_": "cap",
		"/cost_shares": "cost_shares", "/includes_minutes_with_child": "minutes_with_child", "/payee": "payee", "/vat": "vat",
		"/vat_reason": "vat_reason", "/components": "components", "/subsidy_pence": "components",
	}
)
