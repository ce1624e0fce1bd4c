package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// put files a credential as the owner.
func (s *stall) put(who shortbreaks.Actor, c marketplace.CredentialDraft) *marketplace.CredentialDetail {
	s.t.Helper()
	made, err := marketplace.AddCredential(s.ctx, s.d, who, who.Providers[0], c)
	require.NoError(s.t, err)
	return made
}

func (s *stall) engage(who shortbreaks.Actor, name string) uuid.UUID {
	s.t.Helper()
	w, err := marketplace.CreateWorker(s.ctx, s.d, who, who.Providers[0], marketplace.WorkerFacts{Name: name})
	require.NoError(s.t, err)
	return w.ID
}

func own(kind, from, to string) marketplace.CredentialDraft {
	c := marketplace.CredentialDraft{Kind: kind, IssuedOn: date(from)}
	if to != "" {
		until := date(to)
		c.ExpiresOn = &until
	}
	return c
}

func held(kind string, by uuid.UUID, from, to string) marketplace.CredentialDraft {
	c := own(kind, from, to)
	c.WorkerID = &by
	if strings.HasPrefix(kind, "dbs_") {
		c.DBSLevel, c.DBSWorkforce = "enhanced_with_barred_list", "child"
	}
	return c
}

// reason is the words of a refusal.
func reason(t *testing.T, err error) string {
	t.Helper()
	var e *shortbreaks.Error
	require.ErrorAs(t, err, &e)
	return e.Detail
}

func TestL12L13_AnOfferWithoutItsCredentialsIsNotPublishedAndSaysWhy(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("New Club", 5)
	draft := club(tariffOf(option("Each", charge("place", "session", 1200))))
	made, err := marketplace.CreateOffer(s.ctx, s.d, bare, draft)
	require.NoError(t, err, "a draft needs nothing")
	publish := func() error {
		_, err := marketplace.PublishOffer(s.ctx, s.d, bare, made.Offer.ID)
		return err
	}
	needs := func() (missing []string) {
		rules, err := marketplace.Rules(s.ctx, s.d, bare, made.Offer.ID)
		require.NoError(t, err)
		for _, q := range rules.Credentials {
			if !q.Met {
				missing = append(missing, q.Kind)
			}
		}
		return missing
	}
	err = publish()
	require.ErrorIs(t, err, marketplace.ErrCredentialMissing)
	require.Contains(t, reason(t, err), "Ofsted registration is not on file. Childcare for children under 8 for more than two hours a day is registered with Ofsted.")
	require.Len(t, fields(err), 5)
	require.Len(t, needs(), 5)

	jo := s.engage(bare, "Jo")
	s.put(bare, own("insurance_public_liability", "2026-06-01", "2027-05-31"))
	s.put(bare, held("first_aid", jo, "2026-06-01", "2029-05-31"))
	s.put(bare, held("safeguarding_training", jo, "2026-06-01", ""))
	s.put(bare, held("dbs_enhanced", jo, "2026-06-01", ""))
	s.put(bare, own("ofsted", "2027-01-05", "")) // from tomorrow
	require.ErrorIs(t, publish(), marketplace.ErrCredentialMissing)
	require.Equal(t, []string{"ofsted"}, needs())
	require.Zero(t, s.count("offer WHERE state <> 'draft'"))
	s.clock.Advance(24 * time.Hour)
	require.NoError(t, publish())
	require.Empty(t, needs())

	// The same through a file of offers, past the use case that publishes.
	row := `title,summary,category,access_route,age_from,age_to,ratio,setting,postcode,price_unit,price,components,free_until_hours,late_fee_percent,days,from,to,first_date,last_date,places,publish,personal_care
Care at home,Washing and dressing.,club,targeted,5,16,1:3,Hall,ZZ1 1AA,session,12.00,staff 9.00; premises 3.00,48,50,sat,10:00,13:00,2027-01-09,2027-03-27,10,yes,`
	report, err := marketplace.ImportOffers(s.ctx, s.d, bare, strings.NewReader(row+"yes"), marketplace.ImportOptions{})
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Len(t, report.Errors, 1)
	require.Contains(t, report.Errors[0].Detail, "Training in moving and handling is not on file. Personal care needs")
	_, err = marketplace.ImportOffers(s.ctx, s.d, bare, strings.NewReader(row+"no"), marketplace.ImportOptions{})
	require.NoError(t, err)
}

func TestAnOfferWithTooFewStaffForItsAgesIsNotPublished(t *testing.T) {
	t.Parallel()
	s := setup(t)
	draft := club(tariffOf(option("Each", charge("place", "session", 1200))))
	draft.AgeFrom, draft.AgeTo, draft.RatioChildren = 1, 4, 4
	made, err := marketplace.CreateOffer(s.ctx, s.d, s.owner, draft)
	require.NoError(t, err)
	_, err = marketplace.PublishOffer(s.ctx, s.d, s.owner, made.Offer.ID)
	require.ErrorIs(t, err, marketplace.ErrRatioTooLow)
	require.Equal(t, []string{"/ratio"}, fields(err))
	require.ErrorContains(t, err, "Registered care of children under 2 has one adult for at most 3.")
}

// A credential that ends on a day is good for that day and no later one; what
// is asked for a date before is given, whatever comes after.
func TestT82_ALapseBlocksNewBookingsOfLaterDatesAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("New Club", 5)
	jo := s.engage(bare, "Jo")
	for _, c := range []marketplace.CredentialDraft{
		own("ofsted", "2026-01-01", ""), own("insurance_public_liability", "2026-01-01", "2027-01-23"),
		held("dbs_enhanced", jo, "2026-01-01", ""), held("safeguarding_training", jo, "2026-01-01", ""), held("first_aid", jo, "2026-01-01", ""),
	} {
		s.put(bare, c)
	}
	o := s.publish(bare, club(tariffOf(option("Each", charge("place", "session", 1200)))))
	require.Empty(t, o.Lapsed)
	born := date("2017-05-01")
	ask := func(which ...int) error {
		w := marketplace.Want{OfferID: o.Offer.ID, DateOfBirth: born}
		for _, i := range which {
			w.SessionIDs = append(w.SessionIDs, o.Sessions[i].ID)
		}
		_, err := s.offering(w)
		return err
	}
	require.NoError(t, ask(0, 1, 2), "9, 16 and 23 January")
	err := ask(2, 3)
	require.ErrorIs(t, err, marketplace.ErrCredentialLapsed)
	require.Equal(t, []string{"/session_ids/1"}, fields(err), "30 January and not the 23rd")
	require.Equal(t, "On Saturday 30 January 2027 the provider's public liability insurance has run out; it counts to Saturday 23 January 2027. "+
		"Choose an earlier date, or ask the provider.", reason(t, err))
	_, err = s.offering(marketplace.Want{OfferID: o.Offer.ID, SessionIDs: []uuid.UUID{o.Sessions[3].ID}})
	require.ErrorIs(t, err, marketplace.ErrCredentialLapsed, "for somebody whose age does not count too")

	s.clock.Set(at("2027-01-24T09:00"))
	now, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"insurance_public_liability"}, now.Lapsed, "the offer is flagged")
	require.Equal(t, marketplace.Published, now.Offer.State, "and stays as it is")

	s.put(bare, own("insurance_public_liability", "2027-01-28", "2028-01-27")) // renewed, after a gap
	require.NoError(t, ask(3))
	withdrawn := s.put(bare, own("insurance_public_liability", "2027-01-24", "2028-01-27"))
	flagged := func() []string {
		now, err := marketplace.Get(s.ctx, s.d, shortbreaks.Anonymous, o.Offer.ID)
		require.NoError(t, err)
		return now.Lapsed
	}
	require.Empty(t, flagged())
	for range 2 {
		_, err = marketplace.WithdrawCredential(s.ctx, s.d, bare, bare.Providers[0], withdrawn.ID)
		require.NoError(t, err)
		require.Equal(t, []string{"insurance_public_liability"}, flagged())
	}
}

func TestAWorkersCredentialsCountToTheirLastDay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("Hannah", 1)
	jo := s.engage(bare, "Jo")
	s.put(bare, own("insurance_public_liability", "2026-01-01", ""))
	s.put(bare, held("dbs_enhanced", jo, "2026-01-01", ""))
	s.put(bare, held("safeguarding_training", jo, "2026-01-01", ""))
	o := s.publish(bare, support(hourly()))
	visit := func(on string) error {
		_, err := s.offering(marketplace.Want{OfferID: o.Offer.ID, Visits: []marketplace.Visit{{LocalStart: on + "T10:00", Minutes: 60}}, DateOfBirth: date("2015-01-01")})
		return err
	}
	require.NoError(t, visit("2027-02-08"))
	last := date("2027-01-29")
	_, err := marketplace.UpdateWorker(s.ctx, s.d, bare, bare.Providers[0], jo, marketplace.WorkerFacts{Name: "Jo", LeftOn: &last})
	require.NoError(t, err)
	require.NoError(t, visit("2027-01-29"))
	require.ErrorIs(t, visit("2027-01-30"), marketplace.ErrCredentialLapsed)
	require.ErrorIs(t, visit("2027-02-08"), marketplace.ErrCredentialLapsed)
}

// L13: what the certificate says has nowhere to stand, whoever writes.
func TestL13_ADBSCheckHoldsNoWords(t *testing.T) {
	t.Parallel()
	s := setup(t)
	jo := s.engage(s.owner, "Jo")
	before := s.count("credential")
	secret := held("dbs_enhanced", jo, "2026-01-01", "")
	secret.Reference, secret.Evidence = "001234567890", "One entry: 1998"
	_, err := marketplace.AddCredential(s.ctx, s.d, s.owner, s.owner.Providers[0], secret)
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.ElementsMatch(t, []string{"/reference", "/evidence"}, fields(err))
	require.Equal(t, before, s.count("credential"))

	made := s.put(s.owner, held("dbs_enhanced", jo, "2026-01-01", ""))
	for _, column := range []string{"reference", "evidence"} {
		_, err := s.admin.Exec(s.ctx, `UPDATE credential SET `+column+` = 'a conviction' WHERE id = $1`, made.ID)
		require.Equal(t, "dbs_holds_no_words", db.ConstraintName(err), "not even past the use case")
	}
	// Every column of the table that takes free words is one of the two.
	var free []string
	rows, err := s.admin.Query(s.ctx, `SELECT column_name FROM information_schema.columns WHERE table_name = 'credential'
		AND data_type NOT IN ('uuid', 'date', 'timestamp with time zone') ORDER BY 1`)
	require.NoError(t, err)
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		free = append(free, name)
	}
	require.Equal(t, []string{"dbs_level", "dbs_workforce", "evidence", "kind", "reference"}, free)
	for _, set := range []string{"kind = 'a story'", "dbs_level = 'a story'", "dbs_workforce = 'a story'"} {
		_, err := s.admin.Exec(s.ctx, `UPDATE credential SET `+set+` WHERE id = $1`, made.ID)
		require.Error(t, err, "the others take only listed words")
	}
}

func TestEveryWrongValueOfACredentialIsNamed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	jo, stranger := s.engage(s.owner, "Jo"), shortbreaks.NewID()
	tomorrow := shortbreaks.Date(start).AddDate(0, 0, 1)
	for at, c := range map[string]marketplace.CredentialDraft{
		"/kind /worker_id":               {Kind: "diploma", IssuedOn: date("2026-01-01")},
		"/worker_id":                     {Kind: "ofsted", WorkerID: &jo, IssuedOn: date("2026-01-01")},
		" /worker_id":                    {Kind: "first_aid", IssuedOn: date("2026-01-01")},
		"  /worker_id":                   {Kind: "first_aid", WorkerID: &stranger, IssuedOn: date("2026-01-01")},
		"/expires_on":                    own("ofsted", "2026-01-02", "2026-01-01"),
		"/checked_on":                    {Kind: "ofsted", IssuedOn: date("2026-01-01"), CheckedOn: &tomorrow},
		"/dbs_level /dbs_workforce":      {Kind: "dbs_update_service", WorkerID: &jo, IssuedOn: date("2026-01-01")},
		" /dbs_level /update_checked_on": {Kind: "ofsted", IssuedOn: date("2026-01-01"), DBSLevel: "enhanced", UpdateCheckedOn: &tomorrow},
	} {
		_, err := marketplace.AddCredential(s.ctx, s.d, s.owner, s.owner.Providers[0], c)
		require.ErrorIs(t, err, shortbreaks.ErrInvalid, at)
		for _, want := range strings.Fields(at) {
			require.Contains(t, fields(err), want, at)
		}
	}
}

// The file is its provider's: no other scope sees or writes a row, though the
// cover it comes to is public.
func TestTheFileIsSeenByItsProviderAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.provider("Moor Lane", 3)
	for _, scope := range []db.Scope{{}, db.For(other), {Authorities: []uuid.UUID{shortbreaks.NewID()}}} {
		require.NoError(t, s.d.Do(s.ctx, scope, func(tx *db.Tx) error {
			for table, want := range map[string]bool{"credential": false, "worker": false, "notice": false, "staff": false, "credential_cover": true} {
				var n int
				require.NoError(t, tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM `+table+` WHERE provider_id = $1`, s.owner.Providers[0]).Scan(&n))
				require.Equal(t, want, n > 0, table)
			}
			tag, err := tx.PGX.Exec(s.ctx, `DELETE FROM credential_cover WHERE provider_id = $1`, s.owner.Providers[0])
			require.NoError(t, err)
			require.Zero(t, tag.RowsAffected())
			return nil
		}))
		err := s.d.Do(s.ctx, scope, func(tx *db.Tx) error {
			_, err := tx.PGX.Exec(s.ctx, `INSERT INTO credential_cover VALUES ($1, 'cqc', '2020-01-01', NULL, 9)`, s.owner.Providers[0])
			return err
		})
		require.ErrorContains(t, err, "row-level security")
	}
}

// Credentials added at the same moment all count: the provider's row is the
// lock under which the cover is worked out.
func TestCredentialsAddedAtOnceAllCount(t *testing.T) {
	t.Parallel()
	s := setup(t)
	bare := s.bareProvider("New Club", 5)
	kinds := []string{"ofsted", "cqc", "insurance_public_liability", "insurance_employers", "insurance_vehicle"}
	begin, errs := make(chan struct{}), make(chan error)
	for _, kind := range kinds {
		go func() {
			<-begin
			_, err := marketplace.AddCredential(s.ctx, s.d, bare, bare.Providers[0], own(kind, "2026-01-01", ""))
			errs <- err
		}()
	}
	close(begin)
	for range kinds {
		require.NoError(t, <-errs)
	}
	var n int
	require.NoError(t, s.admin.QueryRow(s.ctx, `SELECT count(*) FROM credential_cover WHERE provider_id = $1`, bare.Providers[0]).Scan(&n))
	require.Equal(t, len(kinds), n)
}
