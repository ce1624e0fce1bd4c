package marketplace

import (
	"fmt"
	"strings"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// printCap writes "40.00" or "40.00 per week".
func printCap(c tariff.Charge) string {
	if c.CapPence == nil {
		return ""
	}
	if c.CapPer == "" {
		return printPounds(*c.CapPence)
	}
	return printPounds(*c.CapPence) + " per " + c.CapPer
}

func parseCap(text string) (limit *shortbreaks.Pence, per string, ok bool) {
	sum, per, _ := strings.Cut(text, " per ")
	amount, ok := parseSum(strings.TrimSpace(sum))
	return &amount, strings.TrimSpace(per), ok
}

// printBasis writes "per_group 4" with the fewest who share.
func printBasis(c tariff.Charge) string {
	if c.SmallestGroup != 0 {
		return fmt.Sprint(c.Basis, " ", c.SmallestGroup)
	}
	return c.Basis
}

func parseBasis(text string) (basis string, smallest int, ok bool) {
	basis, fewest, many := strings.Cut(text, " ")
	if !many {
		return basis, 0, true
	}
	smallest, ok = wholeNumber(strings.TrimSpace(fewest))
	return basis, smallest, ok
}

// printEvent writes "late_pick_up" or "late_pick_up every 15".
func printEvent(c tariff.Charge) string {
	if c.EachMinutes != 0 {
		return fmt.Sprint(c.Event, " every ", c.EachMinutes)
	}
	return c.Event
}

func parseEvent(text string) (event string, each int, ok bool) {
	event, minutes, every := strings.Cut(text, " every ")
	if !every {
		return event, 0, true
	}
	each, ok = wholeNumber(strings.TrimSpace(minutes))
	return strings.TrimSpace(event), each, ok
}

// printNthChild writes "2 = 10% that_child; 3 = 50% every_child".
func printNthChild(all []tariff.NthChild) string {
	var parts []string
	for _, n := range all {
		parts = append(parts, fmt.Sprintf("%d = %s %s", n.Child, printPoints(n.BasisPoints), n.For))
	}
	return strings.Join(parts, "; ")
}

func parseNthChild(text string) (all []tariff.NthChild, ok bool) {
	for _, part := range splitCell(text, ';') {
		child, off, _ := strings.Cut(part, "=")
		percent, whose, _ := strings.Cut(strings.TrimSpace(off), " ")
		n := tariff.NthChild{For: strings.TrimSpace(whose)}
		var ok1, ok2 bool
		n.Child, ok1 = wholeNumber(strings.TrimSpace(child))
		n.BasisPoints, ok2 = parsePoints(percent)
		if !ok1 || !ok2 || !aWord.MatchString(n.For) {
			return nil, false
		}
		all = append(all, n)
	}
	return all, len(all) > 0
}

// printLongStay writes "7 = 10%; 14 = 15%".
func printLongStay(all []tariff.LongStay) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, fmt.Sprintf("%d = %s", s.FromNights, printPoints(s.BasisPoints)))
	}
	return strings.Join(parts, "; ")
}

func parseLongStay(text string) (all []tariff.LongStay, ok bool) {
	for _, part := range splitCell(text, ';') {
		nights, off, _ := strings.Cut(part, "=")
		var s tariff.LongStay
		var ok1, ok2 bool
		s.FromNights, ok1 = wholeNumber(strings.TrimSpace(nights))
		s.BasisPoints, ok2 = parsePoints(strings.TrimSpace(off))
		if !ok1 || !ok2 {
			return nil, false
		}
		all = append(all, s)
	}
	return all, len(all) > 0
}

// printShares writes who bears a line: "charity 40%; health 35% up to 20.00;
// council 5.00; buyer rest".
func printShares(all []tariff.CostShare) string {
	var parts []string
	for _, s := range all {
		part := s.Payer + " rest"
		switch {
		case s.AmountPence != nil:
			part = s.Payer + " " + printPounds(*s.AmountPence)
		case !s.Remainder:
			part = s.Payer + " " + printPoints(s.BasisPoints)
		}
		if s.CapPence != nil {
			part += " up to " + printPounds(*s.CapPence)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func parseShares(text string) (all []tariff.CostShare, ok bool) {
	for _, part := range splitCell(text, ';') {
		words, most, capped := strings.Cut(part, " up to ")
		payer, what, _ := strings.Cut(words, " ")
		s := tariff.CostShare{Payer: payer}
		what = strings.TrimSpace(what)
		known := what == "rest"
		switch {
		case known:
			s.Remainder = true
		case strings.HasSuffix(what, "%"):
			s.BasisPoints, known = parsePoints(what)
		default:
			var amount shortbreaks.Pence
			amount, known = parseSum(what)
			s.AmountPence = &amount
		}
		if capped {
			limit, is := parseSum(strings.TrimSpace(most))
			s.CapPence, known = &limit, known && is
		}
		if !known || !aWord.MatchString(payer) {
			return nil, false
		}
		all = append(all, s)
	}
	return all, len(all) > 0
}

// printComponents writes what a price is made of: "staff 9.00; subsidy -2.00
// A charity grant".
func printComponents(all []tariff.Component) string {
	var parts []string
	for _, c := range all {
		part := c.Kind + " " + printPounds(c.AmountPence)
		if c.Note != "" {
			part += " " + listedText(c.Note)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func parseComponents(text string) (all []tariff.Component, ok bool) {
	for _, part := range splitCell(text, ';') {
		kind, rest, _ := strings.Cut(part, " ")
		sum, note, _ := strings.Cut(strings.TrimSpace(rest), " ")
		amount, known := parsePounds(sum)
		if !known || !aWord.MatchString(kind) {
			return nil, false
		}
		all = append(all, tariff.Component{Kind: kind, AmountPence: amount, Note: unquoted(strings.TrimSpace(note))})
	}
	return all, true
}

// printPayment writes when money is due: "advance 7 by month", "deposit 25%
// balance 14".
func printPayment(o tariff.Option) string {
	p := o.Payment
	switch {
	case p == nil:
		return o.PaymentTiming
	case o.PaymentTiming == tariff.Advance:
		return fmt.Sprintf("advance %d by %s", p.DaysBefore, p.Period)
	case p.DepositPercent != 0:
		return fmt.Sprintf("%s %d%% balance %d", o.PaymentTiming, p.DepositPercent, p.DaysBefore)
	}
	return fmt.Sprintf("%s %s balance %d", o.PaymentTiming, printPounds(p.DepositPence), p.DaysBefore)
}

func parsePayment(text string) (timing string, p *tariff.Payment, ok bool) {
	words := strings.Fields(text)
	switch {
	case len(words) == 1:
		return words[0], nil, true
	case len(words) == 4 && words[0] == tariff.Advance && words[2] == "by" && aWord.MatchString(words[3]):
		days, ok := wholeNumber(words[1])
		return words[0], &tariff.Payment{DaysBefore: days, Period: words[3]}, ok
	case len(words) == 4 && words[0] == tariff.Deposit && words[2] == "balance":
		days, ok := wholeNumber(words[3])
		p := &tariff.Payment{DaysBefore: days}
		var known bool
		if percent, is := strings.CutSuffix(words[1], "%"); is {
			p.DepositPercent, known = wholeNumber(percent)
		} else {
			p.DepositPence, known = parseSum(words[1])
		}
		return words[0], p, ok && known
	}
	return "", nil, false
}

// printSells writes "block 10 in 26 weeks" or "membership 12 months".
func printSells(o tariff.Option) string {
	switch {
	case o.Block != nil:
		return fmt.Sprintf("block %d in %d weeks", o.Block.Count, o.Block.ValidWeeks)
	case o.Membership != nil:
		return fmt.Sprintf("membership %d months", o.Membership.Months)
	}
	return ""
}

func parseSells(text string) (block *tariff.Block, member *tariff.Membership, ok bool) {
	words := strings.Fields(text)
	switch {
	case len(words) == 5 && words[0] == "block" && words[2] == "in" && words[4] == "weeks":
		count, ok1 := wholeNumber(words[1])
		weeks, ok2 := wholeNumber(words[3])
		return &tariff.Block{Count: count, ValidWeeks: weeks}, nil, ok1 && ok2
	case len(words) == 3 && words[0] == "membership" && words[2] == "months":
		months, ok := wholeNumber(words[1])
		return nil, &tariff.Membership{Months: months}, ok
	}
	return nil, nil, false
}

// printSteps writes what cancelling costs by notice, the steps parted by a
// mark: "14 days free; 48 hours 50%; 0 hours 10.00".
func printSteps(steps []tariff.TermStep, mark string) string {
	var parts []string
	for _, s := range steps {
		fee := fmt.Sprintf("%d%%", s.FeePercent)
		switch {
		case s.FeePence != nil:
			fee = printPounds(*s.FeePence)
		case s.FeePercent == 0:
			fee = "free"
		}
		parts = append(parts, fmt.Sprintf("%d %s %s", s.Notice, s.Unit, fee))
	}
	return strings.Join(parts, mark+" ")
}

func parseSteps(text string, mark rune) (steps []tariff.TermStep, ok bool) {
	for _, part := range splitCell(text, mark) {
		words := strings.Fields(part)
		if len(words) != 3 || !aWord.MatchString(words[1]) {
			return nil, false
		}
		s := tariff.TermStep{Unit: words[1]}
		var known bool
		if s.Notice, known = wholeNumber(words[0]); !known {
			return nil, false
		}
		if percent, is := strings.CutSuffix(words[2], "%"); is {
			s.FeePercent, known = wholeNumber(percent)
		} else if words[2] != "free" {
			var fee shortbreaks.Pence
			fee, known = parseSum(words[2])
			s.FeePence = &fee
		}
		if !known {
			return nil, false
		}
		steps = append(steps, s)
	}
	return steps, len(steps) > 0
}

// printReasons writes the steps of each reason: "ill: 2 hours free, 0 hours
// 50%; hospital: 0 hours free".
func printReasons(all []tariff.ReasonTerms) string {
	var parts []string
	for _, r := range all {
		parts = append(parts, r.Reason+": "+printSteps(r.Steps, ","))
	}
	return strings.Join(parts, "; ")
}

func parseReasons(text string) (all []tariff.ReasonTerms, ok bool) {
	for _, part := range splitCell(text, ';') {
		reason, rest, _ := strings.Cut(part, ":")
		steps, known := parseSteps(rest, ',')
		if reason = strings.TrimSpace(reason); !known || !aWord.MatchString(reason) {
			return nil, false
		}
		all = append(all, tariff.ReasonTerms{Reason: reason, Steps: steps})
	}
	return all, len(all) > 0
}
