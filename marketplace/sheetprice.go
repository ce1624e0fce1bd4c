package marketplace

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Names of the options that the plain columns make.
const (
	standardOption = "Standard"
	reducedOption  = "Reduced rate"
)

// contractNames finds a contract of the provider by its reference, or by its
// id where two authorities use one reference.
type contractNames []Contract

func (all contractNames) find(text string) (*uuid.UUID, string) {
	var found []uuid.UUID
	for _, c := range all {
		if c.ID.String() == text {
			return &c.ID, ""
		}
		if c.Reference == text {
			found = append(found, c.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, "You have no contract of this reference."
	case 1:
		return &found[0], ""
	}
	return nil, "Several contracts have this reference; give its id."
}

// name is how a contract stands in a file.
func (all contractNames) name(id uuid.UUID) string {
	for _, c := range all {
		if c.ID != id {
			continue
		}
		if found, _ := all.find(c.Reference); found != nil && *found == id {
			return c.Reference
		}
	}
	return id.String()
}

// optionOf reads what a row says of a price option, without its charges.
func (r *sheetRow) optionOf(contracts contractNames) tariff.Option {
	o := tariff.Option{
		Name: r.or("option", standardOption), WhoMayUse: tariff.Anyone, PaymentTiming: tariff.Arrears, BilledOn: r.or("billed_on", "booked"),
		ValidFrom: printOn(r.date("valid_from")), ValidTo: printOn(r.date("valid_to")),
	}
	r.readBuyers(&o, contracts)
	if r.cell["at_ratio"] != "" {
		ratio := r.ratio("at_ratio")
		o.Ratio = &ratio
	}
	if text := r.cell["payment"]; text != "" {
		timing, payment, ok := parsePayment(text)
		if o.PaymentTiming, o.Payment = timing, payment; !ok {
			r.fault("payment", "Write arrears, at_booking, advance 7 by month, or deposit 25%% balance 14.")
		}
	}
	if text := r.cell["sells"]; text != "" {
		block, member, ok := parseSells(text)
		if o.Block, o.Membership = block, member; !ok {
			r.fault("sells", "Write block 10 in 26 weeks, or membership 12 months.")
		}
	}
	return o
}

// readBuyers reads who may use an option.
func (r *sheetRow) readBuyers(o *tariff.Option, contracts contractNames) {
	text := r.or("who_may_use", tariff.Anyone)
	who, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch o.WhoMayUse = who; who {
	case tariff.Members:
		name, is := strings.CutPrefix(rest, "of ")
		if o.MemberOf = unquoted(strings.TrimSpace(name)); !is {
			r.fault("who_may_use", "Write members of and the name of the price that sells membership.")
		}
	case tariff.ByContract:
		id, trouble := contracts.find(unquoted(rest))
		if o.ContractID = id; trouble != "" {
			r.fault("who_may_use", "%s", trouble)
		}
	case tariff.FundedPlace:
		o.Scheme = unquoted(rest)
	default:
		if rest != "" {
			r.fault("who_may_use", "Give one of %s.", strings.Join(tariff.Buyers, ", "))
		}
	}
}

// printOption writes an option's own cells; what is usual is left out.
func printOption(o tariff.Option, contracts contractNames) map[string]string {
	cells := map[string]string{"option": o.Name, "valid_from": o.ValidFrom, "valid_to": o.ValidTo, "sells": printSells(o)}
	switch o.WhoMayUse {
	case tariff.Anyone:
	case tariff.Members:
		cells["who_may_use"] = "members of " + listedText(o.MemberOf)
	case tariff.ByContract:
		if o.ContractID != nil {
			cells["who_may_use"] = "contract " + listedText(contracts.name(*o.ContractID))
		}
	case tariff.FundedPlace:
		cells["who_may_use"] = "funded_place " + listedText(o.Scheme)
	default:
		cells["who_may_use"] = o.WhoMayUse
	}
	if o.Ratio != nil {
		cells["at_ratio"] = printRatio(*o.Ratio)
	}
	if payment := printPayment(o); payment != tariff.Arrears {
		cells["payment"] = payment
	}
	if o.BilledOn != "booked" {
		cells["billed_on"] = o.BilledOn
	}
	return cells
}

// usualKind is the kind of a charge where none is given.
func usualKind(unit string) string {
	if unit == tariff.UnitHour {
		return "support"
	}
	return "place"
}

// chargeOf reads a charge; the amount and its parts stand in the columns
// named.
func (r *sheetRow) chargeOf(price, components string) tariff.Charge {
	c := tariff.Charge{
		Kind: r.or("charge_kind", usualKind(r.cell["price_unit"])), Basis: tariff.PerChild, Unit: r.cell["price_unit"], When: tariff.Planned,
		AmountPence: r.pounds(price), VAT: r.or("vat", "exempt"), VATReason: r.cell["vat_reason"], Payee: r.cell["payee"], Optional: r.yes("optional"),
		MinimumMinutes: r.optional("minimum_minutes"), StepMinutes: r.optional("step_minutes"), StepMode: r.cell["step_mode"],
		IncludesMinutesWithChild: r.optional("minutes_with_child"),
		Components:               parsed(r, components, "staff 9.00; premises 5.50; subsidy -2.00", parseComponents),
		NthChild:                 parsed(r, "nth_child", "2 = 10% that_child; 3 = 20% every_child", parseNthChild),
		LongStay:                 parsed(r, "long_stay", "7 = 10%; 14 = 15%", parseLongStay),
		CostShares:               parsed(r, "cost_shares", "charity 40%; health 35% up to 20.00; buyer rest", parseShares),
	}
	if c.StepMinutes > 0 && c.StepMode == "" {
		c.StepMode = "up"
	}
	r.readForms(&c)
	return c
}

// readForms reads the cells of a charge that hold more than one value.
func (r *sheetRow) readForms(c *tariff.Charge) {
	rate := func(text string) (*tariff.Rate, bool) { return parseRate(text, c.Unit) }
	c.Rate = parsed(r, "rate", "mon-fri 20:00-07:00 24.00; sun x1.5", rate)
	if text := r.cell["basis"]; text != "" {
		var ok bool
		if c.Basis, c.SmallestGroup, ok = parseBasis(text); !ok {
			r.fault("basis", "Write per_child, per_attendee, per_family or per_group 4.")
		}
	}
	if text := r.cell["event"]; text != "" {
		var ok bool
		c.When = tariff.Contingent
		if c.Event, c.EachMinutes, ok = parseEvent(text); !ok {
			r.fault("event", "Write an event such as late_pick_up, or late_pick_up every 15.")
		}
	}
	if text := r.cell["cap"]; text != "" {
		var ok bool
		if c.CapPence, c.CapPer, ok = parseCap(text); !ok {
			r.fault("cap", "Give pounds and pence, such as 40.00, or 40.00 per week.")
		}
	}
	if text := r.cell["only"]; text != "" {
		w, ok := parseWindow(text)
		if c.Only = &w; !ok {
			r.fault("only", "Write days and times such as sat sun 08:00-12:00.")
		}
	}
}

// printCharge writes a charge's cells; what is usual is left out.
func printCharge(c tariff.Charge) map[string]string {
	cells := map[string]string{
		"price_unit": c.Unit, "price": printPounds(c.AmountPence), "components": printComponents(c.Components), "rate": printRate(c.Rate),
		"minimum_minutes": printNumber(c.MinimumMinutes), "step_minutes": printNumber(c.StepMinutes), "nth_child": printNthChild(c.NthChild),
		"long_stay": printLongStay(c.LongStay), "cap": printCap(c), "cost_shares": printShares(c.CostShares),
		"minutes_with_child": printNumber(c.IncludesMinutesWithChild), "payee": c.Payee, "vat_reason": c.VATReason, "event": printEvent(c),
		"optional": printYes(c.Optional),
	}
	unless := func(column, value, usual string) {
		if value != usual {
			cells[column] = value
		}
	}
	unless("charge_kind", c.Kind, usualKind(c.Unit))
	unless("basis", printBasis(c), tariff.PerChild)
	unless("vat", c.VAT, "exempt")
	if c.StepMode != "up" || c.StepMinutes == 0 {
		cells["step_mode"] = c.StepMode
	}
	if c.Only != nil {
		cells["only"] = printWindow(*c.Only)
	}
	return cells
}

func printNumber(n int) string {
	if n == 0 {
		return ""
	}
	return printCount(n)
}

func printYes(yes bool) string {
	if yes {
		return "yes"
	}
	return ""
}

var errNotJSON = errors.New("not one JSON object of the contract")

// fromJSON reads one JSON value with no field that the contract has not.
func fromJSON[T any](text string) (value T, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&value); err != nil {
		return value, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return value, errNotJSON
	}
	return value, nil
}

// jsonPrice reads the json column: a whole option, or a charge.
func (r *sheetRow) jsonPrice() (o *tariff.Option, c *tariff.Charge) {
	text := r.cell["json"]
	for _, column := range priceColumns {
		names := column == "json" || column == "option" && !strings.Contains(text, `"charges"`)
		if r.cell[column] != "" && !names {
			r.fault(column, "Leave this empty: the json column says it.")
		}
	}
	if option, err := fromJSON[tariff.Option](text); err == nil {
		return &option, nil
	}
	charge, err := fromJSON[tariff.Charge](text)
	if err != nil {
		r.fault("json", "This is not one JSON object, a Charge or a PriceOption as the contract has them.")
	}
	return nil, &charge
}

// sameJSON reports whether two values are the same in the contract.
func sameJSON(a, b any) bool {
	left, err1 := json.Marshal(a)
	right, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(left, right)
}

// toJSON is a value of the tariff language as its column holds it.
func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "" // a tariff has nothing that JSON cannot hold
	}
	return string(text)
}

// withoutSubsidies leaves out what is worked out anew from the parts.
func withoutSubsidies(t tariff.Tariff) tariff.Tariff {
	bare := t.WithSubsidies() // a copy
	for i := range bare.Options {
		for j := range bare.Options[i].Charges {
			bare.Options[i].Charges[j].SubsidyPence = shortbreaks.Pence(0)
		}
	}
	return bare
}
