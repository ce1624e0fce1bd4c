package booking_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/marketplace/tariff"
)

// paperQuote is a night and an evening: £60.00 and £24.00, of which budgets
// pay £66.00 and the family £18.00.
func paperQuote() *booking.Quote {
	at := func(text string) time.Time {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		return t
	}
	id, cap := uuid.New(), shortbreaks.Pence(1500)
	budget := func(n int, kind, unit string, pence shortbreaks.Pence, streams ...string) booking.QuotedCharge {
		c := booking.QuotedCharge{N: n, Kind: kind, AmountPence: pence, Payer: "budget", Allowed: true, Because: "Your plan pays for this.", LineID: &id}
		c.Unit = "pence"
		if unit != "" {
			c.Unit = "minutes"
		}
		for _, s := range streams {
			c.Funding = append(c.Funding, booking.QuotedShare{Stream: s})
		}
		return c
	}
	family := func(n int, kind, payer string, pence shortbreaks.Pence) booking.QuotedCharge {
		return booking.QuotedCharge{N: n, Kind: kind, AmountPence: pence, Payer: payer, Because: "Your plan does not pay for meals.", Unit: "pence"}
	}
	shared := budget(1, "place", "", 6000, "social_care", "health")
	shared.Others = []tariff.Borne{{Payer: "council", Pence: 1000}}
	return &booking.Quote{
		ID: id, TotalPence: 8400, ExpiresAt: at("2027-01-04T09:30:00Z"),
		Document: booking.QuoteDocument{
			ProviderName: "Bright Stars", OfferTitle: "A night away", OptionName: "Standard", Allowed: true,
			Explanation: "Friday 8 January 2027, £60.00 a night: £60.00. Total: £84.00.",
			Terms:       tariff.Terms{FreeUntilHours: 48, LateFeePercent: 50}, RequestWithin: 48 * time.Hour,
			Items: []booking.QuotedItem{
				{StartsAt: at("2027-01-08T17:00:00Z"), EndsAt: at("2027-01-09T10:00:00Z"), PricePence: 6600, Charges: []booking.QuotedCharge{
					shared, family(2, "meal", "family_direct", 600),
				}},
				{StartsAt: at("2027-06-10T16:00:00Z"), EndsAt: at("2027-06-10T18:00:00Z"), PricePence: 1800, Charges: []booking.QuotedCharge{
					budget(1, "support", "minutes", 600, "social_care"), family(2, "meal", "family_direct", 600), family(3, "transport", "family_top_up", 600),
				}},
			},
			Dues: []tariff.Due{
				{What: "deposit", Pence: 1000, Items: []int{0}},
				{What: "balance", Pence: 5600, On: at("2027-01-01T00:00:00Z"), Items: []int{0}},
				{What: "arrears", Pence: 1800, Items: []int{1}},
			},
			MightAdd: []tariff.MightAdd{{Event: "late_pick_up", Pence: 250, Each: 5, UpToPence: &cap}},
		},
	}
}

func TestAQuotesPaperSaysAllThatAFamilyMustKnow(t *testing.T) {
	t.Parallel()
	p := paperQuote().Paper(time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC))
	headings := []string{}
	for _, s := range p.Sections {
		headings = append(headings, s.Heading)
	}
	require.Equal(t, []string{"", "What is bought", "How the price is worked out", "Who pays what", "When it is paid", "What might be added", "If you cancel"}, headings)
	require.Equal(t, []string{
		"A night away, by Bright Stars.", "This price holds until 09:30 on Monday 4 January 2027. Nothing is booked or set aside yet.",
		"A booking is a request: the provider has 48 hours to answer.",
	}, p.Sections[0].Words)
	require.Equal(t, [][]string{
		{"Friday 8 January 2027", "17:00 to 10:00 on Saturday 9 January 2027", "£66.00"},
		{"Thursday 10 June 2027", "17:00 to 19:00", "£18.00"}, // an hour ahead in summer
	}, p.Sections[1].Table.Rows)
	require.Equal(t, []string{"Total", "Standard", "£84.00"}, p.Sections[1].Table.Sum)
	require.Equal(t, []string{"Your budgets pay £66.00 and you pay £18.00."}, p.Sections[3].Words)
	require.Equal(t, [][]string{
		{"Place", "Your budget for social care and health", "Your plan pays for this.", "£60.00"},
		{"Place", "The council", "", "£10.00"},
		{"Meal", "You", "Your plan does not pay for meals.", "£12.00"},
		{"Support", "Your allowance of hours for social care", "Your plan pays for this.", "£6.00"},
		{"Transport", "You, from the money you paid in", "Your plan does not pay for meals.", "£6.00"},
	}, p.Sections[3].Table.Rows)
	require.Equal(t, [][]string{
		{"Deposit", "When it is booked", "£10.00"},
		{"The rest", "Friday 1 January 2027", "£56.00"},
		{"For 1 date", "After each date, once attendance is agreed", "£18.00"},
	}, p.Sections[4].Table.Rows)
	require.Equal(t, [][]string{{"Late pick up", "Late pick up could add £2.50 for each started 5 minutes, at most £15.00."}}, p.Sections[5].Table.Rows)
	require.Equal(t, []string{"You may cancel free of charge up to 48 hours before the start. After that you pay 50% of the price."}, p.Sections[6].Words)
	for _, s := range p.Sections {
		if s.Table != nil {
			for _, row := range s.Table.Rows {
				require.Len(t, row, len(s.Table.Columns))
			}
		}
	}
}

func TestAQuotesPaperSaysWhenItNoLongerHoldsOrCannotBeBooked(t *testing.T) {
	t.Parallel()
	q := paperQuote()
	late := q.Paper(q.ExpiresAt)
	require.Equal(t, "This price held until 09:30 on Monday 4 January 2027. Ask for a new quote to book.", late.Sections[0].Words[1])
	require.Contains(t, q.Paper(q.ExpiresAt.Add(-time.Second)).Sections[0].Words[1], "holds until")
	q.Document.Allowed, q.Document.Because = false, []string{"No plan line pays for this."}
	require.Equal(t, "It cannot be booked as it stands. No plan line pays for this.", q.Paper(q.CreatedAt).Sections[0].Words[2])

	q.Document = booking.QuoteDocument{OfferTitle: "A free club", ProviderName: "Moor", Allowed: true, Instant: true}
	q.TotalPence = 0
	free := q.Paper(q.CreatedAt)
	require.Equal(t, "A booking is confirmed at once.", free.Sections[0].Words[2])
	require.Equal(t, []string{"There is nothing for you to pay."}, free.Sections[3].Words)
	require.Nil(t, free.Sections[3].Table)
	var page, pdf bytes.Buffer
	require.NoError(t, free.HTML(&page))
	require.NoError(t, free.PDF(&pdf))
}
