package marketplace_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// sheet is a good file: a club by the session with a reduced price, a quarter,
// and a worker by the hour.
const sheet = "\ufefftitle,summary,category,access_route,age_from,age_to,ratio,setting,postcode,instant,publish,price_unit,price,components," +
	"reduced_price,reduced_components,minimum_minutes,step_minutes,free_until_hours,late_fee_percent,days,from,to,first_date,last_date,except,places," +
	"bundle_name,minimum_visit,maximum_visit,visit_step,buffer_after,lanes\n" +
	"Saturday club,\"Games, music\",club,universal,5,16,1:3,Willow Hall,zz1 1aa,yes,yes,session,12.00,staff 9; premises 5.00; subsidy -2.00," +
	"£6,staff 9.00; premises 5.00; subsidy -8.00,,,48,50,sat,10:00,13:00,2027-01-09,2027-03-27,2027-02-20; 2027-03-06,12,,,,,,\n" +
	"Swimming,Warm water,swimming,targeted,6,18,1:2,Lakeside,ZZ2 1AA,yes,no,quarter,156.00,staff 104.00; premises 52.00," +
	",,,,168,100,wed,16:00,17:00,2027-01-06,2027-03-31,,10,Spring quarter,,,,,\n" +
	"Support,One to one,support_worker,targeted,5,18,1:1,Around,ZX1 1AA,,yes,hour,25.00,staff 16.50; on_costs 4.00; overhead 4.50," +
	",,60,15,48,100,mon tue sat,08:00,20:00,,,,,,60,480,15,30,Worker A; Worker B\n"

func (s *stall) importing(text string, opts marketplace.ImportOptions) (marketplace.ImportReport, error) {
	return marketplace.ImportOffers(s.ctx, s.d, s.owner, strings.NewReader(text), opts)
}

func TestAFileOfOffersIsImported(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var steps []string
	r, err := s.importing(sheet, marketplace.ImportOptions{Progress: func(done, total int) { steps = append(steps, fmt.Sprint(done, "/", total)) }})
	require.NoError(t, err)
	require.Equal(t, []string{"1/3", "2/3", "3/3"}, steps)
	require.Equal(t, 3, r.Rows)
	require.Equal(t, 2, r.Published)
	require.Equal(t, 1, r.Drafts)
	require.Equal(t, 10+13, r.Sessions)

	saturday, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, r.OfferIDs[0])
	require.NoError(t, err)
	require.Equal(t, "Games, music", saturday.Offer.Summary)
	require.Equal(t, "£12.00 a session", saturday.PriceText)
	require.Equal(t, shortbreaks.Pence(600), saturday.Tariff.Options[1].Charges[0].AmountPence)
	require.Len(t, saturday.Tariff.Options[1].Charges[0].Components, 3)
	require.Len(t, saturday.Sessions, 10)
	swimming, err := marketplace.Get(s.ctx, s.d, s.owner, r.OfferIDs[1])
	require.NoError(t, err)
	require.Equal(t, marketplace.Draft, swimming.Offer.State)
	require.Equal(t, 13, swimming.Bundles[0].Term.PlannedSessions)
	worker, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, r.OfferIDs[2])
	require.NoError(t, err)
	require.Len(t, worker.Lanes, 2)
	require.Equal(t, []int{1, 2, 6}, worker.Offer.Visits.Days)
	require.Equal(t, "up", worker.Tariff.Options[0].Charges[0].StepMode)
	require.False(t, worker.Offer.Instant)
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	r, err := s.importing(sheet, marketplace.ImportOptions{DryRun: true})
	require.NoError(t, err)
	require.Equal(t, marketplace.ImportReport{Rows: 3, Drafts: 1, Published: 2, Sessions: 23, DryRun: true}, r)
	require.Zero(t, s.count("offer")+s.count("setting")+s.count("session"))
}

func TestOneBadRowImportsNothingAndEveryBadCellIsNamed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rows := strings.SplitAfter(sheet, "\n")
	edit := func(row int, old, fresh string) {
		require.Contains(t, rows[row], old)
		rows[row] = strings.Replace(rows[row], old, fresh, 1)
	}
	edit(1, "Saturday club", "=cmd()")
	edit(1, "zz1 1aa", "QQ1 1QQ")
	edit(2, "156.00", "156.001")
	edit(2, ",swimming,", ",golf,")
	edit(2, "16:00", "4pm")
	edit(3, "staff 16.50", "staff 16.49")
	rows[3] += "too,short\n"
	for _, opts := range []marketplace.ImportOptions{{}, {DryRun: true}} {
		r, err := s.importing(strings.Join(rows, ""), opts)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
		require.ErrorContains(t, err, "Nothing was imported: 7 values cannot be used.")
		got := map[string]string{}
		for _, e := range r.Errors {
			got[fmt.Sprint(e.Row, " ", e.Column)] = e.Detail
		}
		require.Equal(t, map[string]string{
			"2 title":      "A cell may not begin with =, +, -, @ or a tab; a spreadsheet would take it for a formula.",
			"2 postcode":   "We do not know this postcode; give it in full.",
			"3 price":      "Give pounds and pence, such as 12.50.",
			"3 category":   "Give one of " + strings.Join(marketplace.OfferCategories, ", ") + ".",
			"3 from":       "Give a time such as 16:00.",
			"4 components": "The parts come to £24.99 and the price is £25.00.",
			"5 ":           "The row has 2 cells and there are 33 columns.",
		}, got)
		require.Contains(t, fields(err), "/rows/3/price")
		require.Zero(t, s.count("offer")+s.count("setting")+s.count("session"))
		require.Empty(t, r.OfferIDs)
	}
}

func TestAFileThatCannotBeReadIsRefusedWhole(t *testing.T) {
	t.Parallel()
	s := setup(t)
	head, rest, _ := strings.Cut(sheet, "\n")
	for words, text := range map[string]string{
		"no first row":                       "",
		"no rows below":                      head + "\n",
		`There is no column "colour"`:        head + ",colour\n" + rest,
		`The column "title" is there twice`:  head + ",title\n" + rest,
		"These columns are missing: summary": strings.Replace(head, "summary,", "", 1) + "\n" + rest,
		"not UTF-8":                          head + "\n\xff\xfe",
		"larger than 5 MB":                   head + "\n" + strings.Repeat("x", 5_000_000),
		"more than 5000 rows":                head + "\n" + strings.Repeat(strings.Split(rest, "\n")[2]+"\n", 5001),
	} {
		_, err := s.importing(text, marketplace.ImportOptions{DryRun: true})
		require.ErrorIs(t, err, shortbreaks.ErrInvalid)
		require.ErrorContains(t, err, words)
	}
	r, err := s.importing(head+"\n\"open\n", marketplace.ImportOptions{})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, 2, r.Errors[0].Row)
	require.Zero(t, s.count("offer"))
}

func TestOnlyTheOwnerImportsWhatIsOnSaleAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	coordinator := s.owner
	coordinator.Role = shortbreaks.Coordinator
	r, err := marketplace.ImportOffers(s.ctx, s.d, coordinator, strings.NewReader(sheet), marketplace.ImportOptions{})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, "publish", r.Errors[0].Column)
	drafts := strings.ReplaceAll(strings.ReplaceAll(sheet, "yes,yes,", "yes,no,"), "1AA,,yes,", "1AA,,no,")
	r, err = marketplace.ImportOffers(s.ctx, s.d, coordinator, strings.NewReader(drafts), marketplace.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, 3, r.Drafts)
	_, err = marketplace.ImportOffers(s.ctx, s.d, shortbreaks.Actor{Role: shortbreaks.Family}, strings.NewReader(sheet), marketplace.ImportOptions{})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

func TestAThousandRowsAreWrittenInAFewStatements(t *testing.T) {
	t.Parallel()
	s := setup(t)
	lines := strings.Split(sheet, "\n")
	text := lines[0] + "\n" + strings.Repeat(lines[1]+"\n", 1000)
	r, err := s.importing(text, marketplace.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, 1000, r.Published)
	require.Equal(t, 1000, s.count("offer"))
	require.Equal(t, 10_000, s.count("session_places"))
	require.Equal(t, 1, s.count("setting"))
}
