package marketplace

import (
	"fmt"
	"strings"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// OpenCost is one price somebody may pay, for who reads a directory.
type OpenCost struct {
	Option   string
	Pence    shortbreaks.Pence
	Words    string // "£5.00 a session, at the reduced rate"
	From, To string // dates of service, "" if it has none
}

// Costs are the prices of an offer that are not agreed with an authority: what
// one unit of each option comes to, then what can be added for those who ask.
func (o OpenOffer) Costs() (list []OpenCost) {
	for _, p := range o.Tariff.Options {
		amount, unit := tariff.Tariff{Options: []tariff.Option{p}}.Headline()
		words := append([]string{tariff.PriceText(amount, unit)}, conditions(p)...)
		list = append(list, OpenCost{Option: p.Name, Pence: amount, Words: strings.Join(words, ", "), From: p.ValidFrom, To: p.ValidTo})
		for _, c := range p.Charges {
			if c.Optional && c.When != tariff.Contingent && (c.Rate == nil || c.Rate.PercentOf == nil) {
				list = append(list, OpenCost{
					Option: p.Name + ": " + shortbreaks.Spaced(c.Kind), Pence: c.AmountPence, From: p.ValidFrom, To: p.ValidTo,
					Words: tariff.PriceText(c.AmountPence, c.Unit) + ", if you ask for it",
				})
			}
		}
	}
	return list
}

// conditions say what comes with an option.
func conditions(p tariff.Option) (words []string) {
	switch p.WhoMayUse {
	case tariff.ReducedRate:
		words = append(words, "for families who have the reduced rate")
	case tariff.Members:
		words = append(words, "for members ("+p.MemberOf+")")
	case tariff.FundedPlace:
		words = append(words, "for places paid for by "+p.Scheme)
	}
	if p.Ratio != nil {
		words = append(words, "with "+p.Ratio.String()+" support")
	}
	if p.Block != nil {
		words = append(words, fmt.Sprintf("as a block of %d", p.Block.Count))
	}
	if p.Membership != nil {
		words = append(words, "for "+shortbreaks.Plural(p.Membership.Months, "month")+" of membership")
	}
	for _, c := range p.Charges {
		if c.Rate != nil && !c.Optional {
			return append(words, "other rates at some times or for some numbers")
		}
	}
	return words
}

// Fees are the prices in a sentence each.
func (o OpenOffer) Fees() string {
	var lines []string
	for _, c := range o.Costs() {
		lines = append(lines, c.Option+": "+c.Words+".")
	}
	return strings.Join(lines, " ")
}
