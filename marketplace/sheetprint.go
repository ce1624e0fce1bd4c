package marketplace

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"shortbreaks/marketplace/tariff"
)

// printOffer writes an offer as the cells of its rows, which read back as the
// same offer: the plain columns where they say it, rows below for what they
// cannot.
func printOffer(d OfferDraft, state OfferState, contracts contractNames) []map[string]string {
	rows := printTariff(withoutSubsidies(d.Tariff), contracts)
	head := rows[0]
	if head["option"] == standardOption {
		delete(head, "option")
	}
	for column, value := range map[string]string{
		"title": d.Title, "summary": d.Summary, "category": d.Category, "access_route": d.AccessRoute, "age_from": printCount(d.AgeFrom),
		"age_to": printCount(d.AgeTo), "ratio": printRatio(tariff.Ratio{Staff: d.RatioStaff, Children: d.RatioChildren}),
		"setting": d.Setting.Name, "postcode": d.Setting.Postcode, "address": printLines(d.Setting.address), "place_access": d.Setting.access,
		"instant": printYes(d.Instant), "publish": printYes(state == Published), "personal_care": printYes(d.Content.PersonalCare),
		"transport": printYes(d.Content.TransportGiven), "needs": printLines(d.Content.Needs), "access_features": printLines(d.Content.AccessFeatures),
		"languages": printLines(d.Content.Languages), "included": printLines(d.Content.Included), "to_bring": printLines(d.Content.ToBring),
		"eligibility": d.Content.Eligibility, "notice_minutes": printNumber(d.NoticeMinutes), "companions": printCompanions(d.Companions),
	} {
		head[column] = value
	}
	switch {
	case d.Content.NeedsIntroduction:
		head["introduction"] = "needed"
	case d.Content.FirstVisit:
		head["introduction"] = "first_visit"
	}
	if d.HorizonDays != nil {
		head["horizon_days"] = printCount(*d.HorizonDays)
	}
	maps.Copy(head, printTerms(d.Terms))
	switch {
	case d.Visits != nil:
		maps.Copy(head, printVisits(*d.Visits))
	case d.Sessions != nil:
		rows = append(rows, printSessions(head, *d.Sessions)...)
	default:
		head["dates"] = laterDates
	}
	for _, row := range rows {
		for column, value := range row {
			row[column] = printable(value)
		}
	}
	return rows
}

// printable leaves out what a file cannot carry: other line ends than the
// plain one, and characters that print nothing.
func printable(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c == '\ufffe' || c == '\uffff' {
			return -1
		}
		return c
	}, text)
}

func printLines(lines []string) string {
	quoted := make([]string, len(lines))
	for i, line := range lines {
		quoted[i] = listedText(line)
	}
	return strings.Join(quoted, "; ")
}

// printTariff writes a row for each charge.
func printTariff(t tariff.Tariff, contracts contractNames) (rows []map[string]string) {
	options := t.Options
	first := options[0]
	if len(options) > 1 && first.Name == standardOption && first.WhoMayUse == tariff.Anyone && len(first.Charges) == 1 && len(options[1].Charges) == 1 {
		// Two options that differ in nothing but the price are one row.
		reduced, same := options[1], first
		same.Name, same.WhoMayUse = reducedOption, tariff.ReducedRate
		same.Charges = slices.Clone(first.Charges)
		same.Charges[0].AmountPence, same.Charges[0].Components = reduced.Charges[0].AmountPence, reduced.Charges[0].Components
		row := printOptionRows(first, contracts)[0]
		if row["json"] == "" && sameJSON(same, reduced) {
			row["reduced_price"] = printPounds(reduced.Charges[0].AmountPence)
			row["reduced_components"] = printComponents(reduced.Charges[0].Components)
			rows, options = append(rows, row), options[2:]
		}
	}
	for _, o := range options {
		rows = append(rows, printOptionRows(o, contracts)...)
	}
	return rows
}

// printOptionRows writes an option: its name in the first of its rows. What
// the columns cannot say exactly is written as JSON.
func printOptionRows(o tariff.Option, contracts contractNames) (rows []map[string]string) {
	for i, c := range o.Charges {
		row := printCharge(c)
		if again, ok := reread(row, "", contracts); !ok || !sameJSON(again.Charges[0], c) {
			row = map[string]string{"json": toJSON(c)}
		}
		if i == 0 {
			maps.Copy(row, printOption(o, contracts))
			row["option"] = o.Name
		}
		rows = append(rows, row)
	}
	bare := o
	bare.Charges = nil
	again, ok := reread(rows[0], o.Name, contracts)
	again.Charges = nil
	if !ok || !sameJSON(again, bare) || rows[0]["json"] != "" && len(printedOption(rows[0])) > 1 {
		return []map[string]string{{"json": toJSON(o)}}
	}
	return rows
}

// printedOption are the cells of a row that say something of the option.
func printedOption(row map[string]string) (columns []string) {
	for _, column := range priceColumns[:8] {
		if row[column] != "" {
			columns = append(columns, column)
		}
	}
	return columns
}

// reread is a row as it will be read; ok is false if it will not be.
func reread(row map[string]string, name string, contracts contractNames) (tariff.Option, bool) {
	r := &sheetRow{cell: map[string]string{}}
	for column, value := range row {
		r.cell[column] = strings.TrimSpace(printable(value))
	}
	if name != "" && r.cell["option"] == "" {
		return tariff.Option{}, false
	}
	if r.cell["json"] != "" {
		_, c := r.jsonPrice()
		if c == nil {
			return tariff.Option{}, false
		}
		o := r.optionOf(contracts)
		o.Charges = []tariff.Charge{*c}
		return o, len(r.errors) == 0
	}
	o := r.optionOf(contracts)
	o.Charges = []tariff.Charge{r.chargeOf("price", "components")}
	return o, len(r.errors) == 0
}

// printTerms writes the two plain figures where they are all there is.
func printTerms(t tariff.Terms) map[string]string {
	cells := map[string]string{
		"cancellation_reasons": printReasons(t.Reasons), "waived_if_refilled": printYes(t.WaivedIfRefilled), "partial_paid": t.PartialPaid,
	}
	if c := t.Credit; c != nil {
		cells["credit_days"], cells["credit_siblings"] = strconv.Itoa(c.Days), printYes(c.Siblings)
	}
	switch {
	case t.Choice != "":
		cells["cancellation"] = t.Choice
	case len(t.Steps) > 0:
		cells["cancellation"] = printSteps(t.Steps, ";")
	default:
		cells["free_until_hours"], cells["late_fee_percent"] = printCount(t.FreeUntilHours), printCount(t.LateFeePercent)
	}
	return cells
}

func printVisits(v VisitRules) map[string]string {
	labels := make([]string, len(v.Lanes))
	for i, l := range v.Lanes {
		labels[i] = l.Label
	}
	return map[string]string{
		"days": printDays(v.Days), "from": v.From, "to": v.To, "minimum_visit": printCount(v.MinimumMinutes), "maximum_visit": printCount(v.MaximumMinutes),
		"visit_step": printCount(v.StepMinutes), "buffer_before": printNumber(v.BufferBeforeMinutes), "buffer_after": printNumber(v.BufferAfterMinutes),
		"lanes": strings.Join(labels, "; "),
	}
}

// printSessions writes the first series into the offer's own row and gives a
// row for each other.
func printSessions(head map[string]string, s SessionSeries) (rows []map[string]string) {
	maps.Copy(head, printSeries(s))
	if b := s.Bundle; b != nil {
		head["bundle_name"] = b.Name
		head["bundle_dates"] = printNumber(b.planned)
		if !b.startsOn.IsZero() {
			head["bundle_span"] = printOn(b.startsOn) + " to " + printOn(b.endsOn)
		}
	}
	for _, more := range s.more {
		rows = append(rows, printSeries(more))
	}
	return rows
}

// table puts rows under the columns they use, in the order of all columns.
func table(rows []map[string]string) (columns []string, cells [][]string) {
	used := map[string]bool{}
	for _, name := range requiredColumns {
		used[name] = true
	}
	for _, row := range rows {
		for column, value := range row {
			used[column] = used[column] || value != ""
		}
	}
	for _, name := range sheetColumns {
		if used[name] {
			columns = append(columns, name)
		}
	}
	for _, row := range rows {
		line := make([]string, len(columns))
		for i, name := range columns {
			line[i] = strings.TrimSpace(row[name])
		}
		cells = append(cells, line)
	}
	return columns, cells
}
