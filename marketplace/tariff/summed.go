package tariff

import (
	"slices"

	"shortbreaks"
)

// SummedLine is one charge of a price over all its dates, or a ticket.
type SummedLine struct {
	OptionName string
	Kind       string
	Unit       string
	Words      string            // the arithmetic, as Explain has it
	Pence      shortbreaks.Pence // the buyer's part
	FullPence  shortbreaks.Pence // with what other payers bear; grants that lower the price are in neither
	VATPence   shortbreaks.Pence // inside FullPence
	Payee      string            // a second payee, or "" for the provider
	Payer      string            // contract or funded_place, where the option is settled so; else ""
	Others     []Borne           // who bears the rest
}

// Summed are the lines of a price, each charge of each thing bought once. Their
// Pence sum to TotalPence.
func (p *Priced) Summed() (all []SummedLine) {
	for n := range p.Parts {
		part := &p.Parts[n]
		o := &p.tariff.Options[part.Option]
		if part.ticket(p) {
			lead := &o.Charges[0]
			vat := shortbreaks.Pence(0)
			for _, each := range p.ticketVAT(part, lead) {
				vat += each
			}
			all = append(all, SummedLine{
				OptionName: o.Name, Kind: lead.Kind, Unit: lead.Unit, Words: p.ticketWords(part), Pence: part.paid, FullPence: part.paid, VATPence: vat,
				Payee: lead.Payee, Payer: o.payer(),
			})
		}
		for i := range part.lines {
			if l, ok := p.summed(part, o, &part.lines[i]); ok {
				all = append(all, l)
			}
		}
	}
	return all
}

// ticketVAT is the tax on each date's part of a ticket, as layTicket has it.
func (p *Priced) ticketVAT(part *Part, lead *Charge) []shortbreaks.Pence {
	parts := make([]shortbreaks.Pence, len(part.Dates))
	spread(part.paid, parts)
	for i := range parts {
		parts[i] = lead.vat(parts[i])
	}
	return parts
}

// ticketWords is the sentence of Explain that is about the ticket itself.
func (p *Priced) ticketWords(part *Part) string {
	bare := Priced{tariff: p.tariff, ask: p.ask, Parts: []Part{{Option: part.Option, OptionName: part.OptionName, Dates: part.Dates, paid: part.paid}}}
	if said := bare.part(&bare.Parts[0]); len(said) > 0 {
		return said[0]
	}
	return ""
}

// summed is one charge over the dates of its part; false if it says nothing on
// any of them.
func (p *Priced) summed(part *Part, o *Option, l *line) (SummedLine, bool) {
	w := words{ask: p.ask, all: part.Dates, dates: part.Dates}
	text := w.line(l)
	if text == "" {
		return SummedLine{}, false
	}
	sum := SummedLine{
		OptionName: o.Name, Kind: l.charge.Kind, Unit: l.charge.Unit, Words: shortbreaks.Capital(text) + ".", Payee: l.charge.Payee, Payer: o.payer(),
	}
	for _, i := range part.Dates {
		sum.Pence, sum.FullPence, sum.VATPence = sum.Pence+l.buyer[i], sum.FullPence+l.full[i], sum.VATPence+l.charge.vat(l.full[i])
	}
	if len(l.charge.CostShares) > 0 {
		for _, b := range l.borne() {
			if b.Payer != Buyer {
				sum.bear(b, part.Dates)
			}
		}
	}
	return sum, true
}

// bear adds what another payer bears of these dates.
func (s *SummedLine) bear(b borneBy, dates []int) {
	total := shortbreaks.Pence(0)
	for _, i := range dates {
		total += b.by[i]
	}
	if total == 0 {
		return
	}
	if n := slices.IndexFunc(s.Others, func(known Borne) bool { return known.Payer == b.Payer }); n >= 0 {
		s.Others[n].Pence += total
		return
	}
	s.Others = append(s.Others, Borne{b.Payer, total})
}
