package marketplace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/internal/db/dbtest"
	"shortbreaks/marketplace"
)

// send starts an import of a file.
func (s *stall) send(file, key string, dryRun bool) (*marketplace.OfferImport, marketplace.ImportArgs) {
	s.t.Helper()
	made, _, err := marketplace.StartImport(s.ctx, s.d, s.owner, marketplace.StartOfferImport{File: []byte(file), Key: key, DryRun: dryRun})
	require.NoError(s.t, err)
	return made, marketplace.ImportArgs{ProviderID: made.ProviderID, ImportID: made.ID}
}

func (s *stall) status(id uuid.UUID) *marketplace.OfferImport {
	s.t.Helper()
	i, err := marketplace.ReadImport(s.ctx, s.d, s.owner, id)
	require.NoError(s.t, err)
	return i
}

// files is how many files are still kept.
func (s *stall) files() (n int) {
	s.t.Helper()
	require.NoError(s.t, s.admin.QueryRow(s.ctx, `SELECT count(file) FROM offer_import`).Scan(&n))
	return n
}

// manyClubs is a file of so many offers.
func manyClubs(n int) string {
	lines := strings.SplitAfter(sheet, "\n")
	return lines[0] + strings.Repeat(lines[1], n)
}

func TestAnImportTellsHowFarItIsAndIsDoneWithItsOffers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made, args := s.send(manyClubs(250), "k", false)
	require.Equal(t, 1, s.files())
	// Whoever looks while it runs sees rows go by, and no offer: nothing is
	// made until all is. The last statement before the end waits for a lock
	// that we hold.
	blocked, err := s.admin.Begin(s.ctx)
	require.NoError(t, err)
	_, err = blocked.Exec(s.ctx, `LOCK TABLE offer_version IN SHARE MODE`)
	require.NoError(t, err)
	ran := make(chan error, 1)
	go func() { ran <- marketplace.RunImport(s.ctx, s.d, args) }()
	require.Eventually(t, func() bool { return s.status(made.ID).RowsDone == 250 }, dbtest.Patience, 5*time.Millisecond)
	now := s.status(made.ID)
	require.Equal(t, marketplace.ImportRunning, now.State)
	require.Equal(t, 250, now.RowsFound)
	require.Zero(t, s.count("offer"))
	require.NoError(t, blocked.Rollback(s.ctx))
	require.NoError(t, <-ran)

	now = s.status(made.ID)
	require.Equal(t, marketplace.ImportDone, now.State)
	require.Equal(t, []int{250, 250, 0, 2500}, []int{now.RowsDone, now.Published, now.Drafts, now.Sessions})
	require.Zero(t, s.files(), "the file is kept no longer than that")
	require.Equal(t, 250, s.count("offer"))
	require.NoError(t, marketplace.RunImport(s.ctx, s.d, args))
	require.Equal(t, 250, s.count("offer"), "running it twice is running it once")
}

func TestTwoWorkersOfOneImportMakeItsOffersOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, args := s.send(sheet, "k", false)
	ran := make(chan error, 4)
	for range 4 {
		go func() { ran <- marketplace.RunImport(s.ctx, s.d, args) }()
	}
	for range 4 {
		if err := <-ran; err != nil {
			t.Log("one that came too late may say so:", err)
		}
	}
	require.Equal(t, 3, s.count("offer"))
	require.Equal(t, marketplace.ImportDone, s.status(args.ImportID).State)
}

func TestACrashLeavesNothingHalfDoneAndTheJobIsWorkedAgain(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made, args := s.send(sheet, "k", false)
	// The last table an import writes refuses: as if the process had died there.
	_, err := s.admin.Exec(s.ctx, `ALTER TABLE offer_lane ADD CONSTRAINT crash CHECK (false) NOT VALID`)
	require.NoError(t, err)
	work := func(attempt int) error {
		w := marketplace.ImportWorker{DB: s.d}
		return w.Work(s.ctx, &river.Job[marketplace.ImportArgs]{JobRow: &rivertype.JobRow{Attempt: attempt, MaxAttempts: 5}, Args: args})
	}
	require.Error(t, work(1))
	require.Zero(t, s.count("offer")+s.count("setting")+s.count("session")+s.count("lane"))
	require.Equal(t, marketplace.ImportRunning, s.status(made.ID).State)
	require.Equal(t, 1, s.files(), "it is still needed")
	_, err = s.admin.Exec(s.ctx, `ALTER TABLE offer_lane DROP CONSTRAINT crash`)
	require.NoError(t, err)
	require.NoError(t, work(2))
	require.Equal(t, 3, s.count("offer"))
	require.Equal(t, marketplace.ImportDone, s.status(made.ID).State)

	_, err = s.admin.Exec(s.ctx, `ALTER TABLE offer_lane ADD CONSTRAINT crash CHECK (false) NOT VALID`)
	require.NoError(t, err)
	made, args = s.send(sheet, "k2", false)
	require.Error(t, work(5), "the last time")
	refused := s.status(made.ID)
	require.Equal(t, marketplace.ImportRefused, refused.State)
	require.Contains(t, refused.Errors[0].Detail, "our fault")
	require.Zero(t, s.files())
	require.Equal(t, 3, s.count("offer"))
}

func TestARefusedImportKeepsTheFirstErrorsAndCountsAll(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made, args := s.send(strings.ReplaceAll(manyClubs(300), "12.00", "12.00.0"), "k", false)
	require.NoError(t, marketplace.RunImport(s.ctx, s.d, args))
	refused := s.status(made.ID)
	require.Equal(t, marketplace.ImportRefused, refused.State)
	require.Equal(t, 300, refused.ErrorCount)
	require.Len(t, refused.Errors, 200)
	require.Equal(t, marketplace.ImportError{Row: 2, Column: "price", Detail: "Give pounds and pence, such as 12.50."}, refused.Errors[0])
	require.Zero(t, s.files()+s.count("offer"))

	list, more, err := marketplace.Imports(s.ctx, s.d, s.owner, uuid.Nil, 10)
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, list, 1)
	require.Empty(t, list[0].Errors)
}

func TestADryRunOfAnImportMakesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made, args := s.send(sheet, "k", true)
	require.NoError(t, marketplace.RunImport(s.ctx, s.d, args))
	now := s.status(made.ID)
	require.Equal(t, marketplace.ImportDone, now.State)
	require.Equal(t, []int{1, 2, 23}, []int{now.Drafts, now.Published, now.Sessions})
	require.Zero(t, s.count("offer")+s.count("setting")+s.count("lane"))
}

func TestAnImportIsItsProvidersAlone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	made, args := s.send(sheet, "k", false)
	other := s.provider("Another", 5)
	_, err := marketplace.ReadImport(s.ctx, s.d, other, made.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
	list, _, err := marketplace.Imports(s.ctx, s.d, other, uuid.Nil, 10)
	require.NoError(t, err)
	require.Empty(t, list)
	for _, scope := range []db.Scope{{}, {Person: s.owner.Person}, {Providers: other.Providers}} {
		require.NoError(t, s.d.Read(s.ctx, scope, func(tx *db.Tx) error {
			var n int
			require.NoError(t, tx.PGX.QueryRow(s.ctx, `SELECT count(*) FROM offer_import`).Scan(&n))
			require.Zero(t, n, "the schema says so too")
			return nil
		}))
	}
	// A co-ordinator's file is a co-ordinator's, whoever works the job.
	coordinator := s.owner
	coordinator.Role = shortbreaks.Coordinator
	drafts, _, err := marketplace.StartImport(s.ctx, s.d, coordinator, marketplace.StartOfferImport{File: []byte(sheet), Key: "c"})
	require.NoError(t, err)
	require.NoError(t, marketplace.RunImport(s.ctx, s.d, marketplace.ImportArgs{ProviderID: args.ProviderID, ImportID: drafts.ID}))
	require.Equal(t, "publish", s.status(drafts.ID).Errors[0].Column)
	_, _, err = marketplace.StartImport(s.ctx, s.d, shortbreaks.Actor{Role: shortbreaks.Worker, Providers: s.owner.Providers}, marketplace.StartOfferImport{File: []byte("x")})
	require.ErrorIs(t, err, shortbreaks.ErrForbidden)
}

func TestLostImportsAreEndedAndOldOnesForgotten(t *testing.T) {
	t.Parallel()
	s := setup(t)
	tidied := func() int {
		n, err := marketplace.TidyImports(s.ctx, s.d)
		require.NoError(t, err)
		return n
	}
	lost, args := s.send(sheet, "k", false)
	s.clock.Set(start.Add(24 * time.Hour))
	require.Zero(t, tidied())
	require.Equal(t, marketplace.ImportWaiting, s.status(lost.ID).State, "exactly a day is not longer than a day")
	s.clock.Set(start.Add(24*time.Hour + time.Second))
	require.Equal(t, 1, tidied())
	require.Equal(t, marketplace.ImportRefused, s.status(lost.ID).State)
	require.Zero(t, s.files())
	require.NoError(t, marketplace.RunImport(s.ctx, s.d, args))
	require.Zero(t, s.count("offer"), "what was refused is not imported after all")
	s.clock.Set(start.Add(73 * time.Hour))
	again, _ := s.send(sheet, "k", false)
	require.NotEqual(t, lost.ID, again.ID, "after 72 hours a key is free")
	s.clock.Set(start.Add(40 * 24 * time.Hour))
	require.Equal(t, 1, tidied(), "the second did not run either")
	_, err := marketplace.ReadImport(s.ctx, s.d, s.owner, lost.ID)
	require.ErrorIs(t, err, shortbreaks.ErrNotFound)
}

func TestOneKeySentByManyAtOnceIsOneImport(t *testing.T) {
	t.Parallel()
	s := setup(t)
	type answer struct {
		id  uuid.UUID
		err error
	}
	answers := make(chan answer, 8)
	for range 8 {
		go func() {
			made, _, err := marketplace.StartImport(s.ctx, s.d, s.owner, marketplace.StartOfferImport{File: []byte(sheet), Key: "k"})
			if err != nil {
				made = &marketplace.OfferImport{}
			}
			answers <- answer{made.ID, err}
		}()
	}
	ids := map[uuid.UUID]bool{}
	for range 8 {
		a := <-answers
		require.NoError(t, a.err)
		ids[a.id] = true
	}
	require.Len(t, ids, 1)
	require.Equal(t, 1, s.count("offer_import"))
	require.Equal(t, 1, s.count("river_job"))
}
