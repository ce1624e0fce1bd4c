package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// priceList is a file of two offers, the second of two prices.
const priceList = "title,summary,category,access_route,age_from,age_to,ratio,setting,postcode,price_unit,price,components,option,rate,free_until_hours,late_fee_percent," +
	"days,from,to,first_date,last_date,places,minimum_visit,maximum_visit,visit_step,lanes\r\n" +
	"Lego club,Bricks for all.,club,targeted,5,12,1:3,Ashmere Community Centre,ZZ1 2FA,session,8.00,staff 6.00; premises 2.00,,,48,100,wed,16:00,18:00,2027-01-13,2027-03-24,10,,,,\r\n" +
	"Sitting,Somebody kind.,support_worker,targeted,2,18,1:1,Ashmere Community Centre,ZZ1 2FA,hour,14.50,staff 11.20; overhead 3.30,Plain,sat sun x1.5,24,50,mon-sun,17:00,23:00,,,,120,360,30,Sitter A\r\n" +
	",,,,,,,,,hour,13.00,staff 11.00; overhead 2.00,Friends,,,,,,,,,,,,,\r\n"

const asCSV = "Content-Type: text/csv; charset=utf-8"

func (c caller) importing(file, idempotency, query string) answer {
	c.w.t.Helper()
	return c.ask(http.MethodPost, "/v1/offer-imports"+query, []byte(file), asCSV, key(idempotency))
}

// work does what the job would.
func (w *world) work(i gen.OfferImport) {
	w.t.Helper()
	require.NoError(w.t, marketplace.RunImport(w.ctx, w.d, marketplace.ImportArgs{ProviderID: i.ProviderID, ImportID: i.ID}))
}

func TestAFileOfOffersIsImportedByAJob(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	first := owner.importing(priceList, "list-1", "")
	made := into[gen.OfferImport](first, http.StatusAccepted)
	require.Equal(t, gen.OfferImportStateWaiting, made.State)
	require.Equal(t, "/v1/offer-imports/"+made.ID.String(), first.header.Get("Location"))
	again := owner.importing(priceList, "list-1", "")
	require.Equal(t, first.body, again.body)
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))

	w.work(made)
	w.work(made) // a job may be worked twice
	require.Equal(t, first.body, owner.importing(priceList, "list-1", "").body, "the same bytes, whatever has become of it")
	done := into[gen.OfferImport](owner.get(first.header.Get("Location")), http.StatusOK)
	require.Equal(t, gen.OfferImportStateDone, done.State)
	require.Equal(t, []int{3, 3, 2, 0, 11, 0}, []int{done.Rows, done.RowsDone, done.Drafts, done.Published, done.Sessions, done.ErrorCount})
	require.NotNil(t, done.EndedAt)

	csv := owner.get("/v1/offer-exports?states=draft")
	require.Equal(t, http.StatusOK, csv.status)
	require.Equal(t, "text/csv; charset=utf-8", csv.header.Get("Content-Type"))
	require.Equal(t, "nosniff", csv.header.Get("X-Content-Type-Options"))
	require.Contains(t, csv.header.Get("Cache-Control"), "no-store")
	require.Regexp(t, `^attachment; filename="offers-[a-z-]+\.csv"$`, csv.header.Get("Content-Disposition"))
	require.Equal(t, 2, strings.Count(string(csv.body), "Ashmere Community Centre"), "the two of the file, once each")
	require.Contains(t, string(csv.body), "sat sun x1.5")
	for _, book := range []answer{owner.get("/v1/offer-exports?format=xlsx"), owner.ask(http.MethodGet, "/v1/offer-exports", nil, "Accept: "+marketplace.MediaXLSX)} {
		require.Equal(t, http.StatusOK, book.status)
		require.Equal(t, marketplace.MediaXLSX, book.header.Get("Content-Type"))
		taken := into[gen.OfferImport](owner.ask(http.MethodPost, "/v1/offer-imports?dry_run=true", book.body, "Content-Type: "+marketplace.MediaXLSX, key(shortbreaks.NewID().String())), http.StatusAccepted)
		w.work(taken)
		checked := into[gen.OfferImport](owner.get("/v1/offer-imports/"+taken.ID.String()), http.StatusOK)
		require.Equal(t, gen.OfferImportStateDone, checked.State)
		require.Equal(t, 2, checked.Drafts)
		require.True(t, checked.DryRun)
	}
	list := into[gen.OfferImportList](owner.get("/v1/offer-imports?limit=2"), http.StatusOK)
	require.Len(t, list.Items, 2)
	rest := into[gen.OfferImportList](owner.get("/v1/offer-imports?cursor="+*list.NextCursor), http.StatusOK)
	require.Equal(t, made.ID, rest.Items[0].ID)
	require.Nil(t, rest.NextCursor)
}

func TestAFileThatCannotBeImportedIsRefusedByRowAndColumn(t *testing.T) {
	w := setup(t)
	coordinator := w.as(w.stars.Coordinator)
	for name, c := range map[string]struct {
		file string
		want gen.OfferImportError
	}{
		"a value":     {strings.Replace(priceList, "sat sun x1.5", "sat sun 1.5x", 1), gen.OfferImportError{Row: 3, Column: "rate", Detail: "We cannot read this. Write it like mon-fri 20:00-07:00 24.00; sun x1.5."}},
		"a row below": {strings.Replace(priceList, "overhead 2.00", "overhead 3.00", 1), gen.OfferImportError{Row: 4, Column: "components", Detail: "The parts come to £14.00 and the price is £13.00."}},
		"the file":    {"no,columns\n1,2\n", gen.OfferImportError{Detail: ""}},
	} {
		made := into[gen.OfferImport](coordinator.importing(c.file, strings.ReplaceAll(name, " ", "-"), ""), http.StatusAccepted)
		w.work(made)
		refused := into[gen.OfferImport](coordinator.get("/v1/offer-imports/"+made.ID.String()), http.StatusOK)
		require.Equal(t, gen.OfferImportStateRefused, refused.State, name)
		require.Equal(t, 1, refused.ErrorCount, name)
		if c.want.Detail == "" {
			require.Contains(t, refused.Errors[0].Detail, "There is no column")
			continue
		}
		require.Equal(t, []gen.OfferImportError{c.want}, refused.Errors, name)
	}
	require.NotContains(t, string(coordinator.get("/v1/offer-exports").body), "Lego")
}

func TestWhatIsNoFileOfOffersIsRefusedAtTheDoor(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	send := func(body []byte, head ...string) answer {
		return owner.ask(http.MethodPost, "/v1/offer-imports", body, head...)
	}
	send([]byte(priceList), asCSV).refused(400, "idempotency-key-required")
	send([]byte(priceList), "Content-Type: application/json", key("a")).refused(415, "unsupported-media-type")
	send([]byte{}, asCSV, key("b")).refused(422, "invalid")
	send([]byte(strings.Repeat("x", 5<<20+1)), asCSV, key("c")).refused(413, "body-too-large")
	send([]byte(strings.Repeat("x", 5_000_001)), asCSV, key("d")).refused(422, "invalid")
	owner.importing(priceList, "e", "?provider_id="+w.moor.ID.String()).refused(404, "not-found")
	into[gen.OfferImport](owner.importing(priceList, "f", ""), http.StatusAccepted)
	owner.importing(priceList+" ", "f", "").refused(422, "idempotency-key-reused")
	owner.importing(priceList, "f", "?dry_run=true").refused(422, "idempotency-key-reused")
	owner.get("/v1/offer-exports?format=pdf").refused(400, "malformed")
	owner.get("/v1/offer-exports?states=sold").refused(400, "malformed")
	for _, k := range []string{"g", "h"} {
		into[gen.OfferImport](owner.importing(priceList, k, ""), http.StatusAccepted)
	}
	owner.importing(priceList, "i", "").refused(409, "imports-under-way")
	// What was refused is not kept: the key is free.
	w.work(into[gen.OfferImportList](owner.get("/v1/offer-imports"), http.StatusOK).Items[0])
	into[gen.OfferImport](owner.importing(priceList, "i", ""), http.StatusAccepted)
}

func (m *cast) providerOf(target string) uuid.UUID {
	if target == "missing" {
		return shortbreaks.NewID()
	}
	return m.houseOf(target).ID
}

// fileOfOffers sends a price list to a target's provider.
func (m *cast) fileOfOffers(target string, _ bool) request {
	return request{http.MethodPost, "/v1/offer-imports?provider_id=" + m.providerOf(target).String(), []byte(priceList), asCSV}
}

// importID is an import of a target's provider that has ended.
func (m *cast) importID(target string, fresh bool) uuid.UUID {
	return m.record("import", target, fresh, func() uuid.UUID {
		made, _, err := marketplace.StartImport(m.ctx, m.d, m.houseOf(target).Owner, marketplace.StartOfferImport{
			File: []byte(priceList), DryRun: true, Key: shortbreaks.NewID().String(),
		})
		require.NoError(m.t, err)
		require.NoError(m.t, marketplace.RunImport(m.ctx, m.d, marketplace.ImportArgs{ProviderID: made.ProviderID, ImportID: made.ID}))
		return made.ID
	})
}
