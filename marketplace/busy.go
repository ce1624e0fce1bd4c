package marketplace

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// BusyCalendar is where a lane's busy times come from: the address of a
// worker's own calendar, read every hour, or a file read once. Only times are
// kept, never what they are for.
type BusyCalendar struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	LaneID     uuid.UUID `gorm:"primaryKey"`
	Address    *string   // as good as a password: never answered, never logged
	Version    int       // grows with every reading; a reading begun before counts no more
	CheckedAt  *time.Time
	Trouble    string // why the last reading failed; the times before it stay
}

// TableName is the table's.
func (BusyCalendar) TableName() string { return "busy_calendar" }

// BusyStatus is how a lane's busy calendar stands.
type BusyStatus struct {
	LaneID    uuid.UUID
	Host      string // of its address; "" for a file
	CheckedAt *time.Time
	Trouble   string
	BusyTimes int
	Clashes   []Clash // visits agreed before the worker was busy
}

// Clash is a visit, buffers included, in which its worker is busy elsewhere by
// now. It stands until the provider has settled it with the family.
type Clash struct{ From, To time.Time }

// SetBusy says where a lane's busy times come from. Give one of the two.
type SetBusy struct {
	LaneID  uuid.UUID
	Address string // https://...; webcal:// is taken as that
	File    string // an iCalendar file's text
}

// SetBusyCalendar gives a lane a calendar. A file counts at once; an address
// is read by a job, and until then what was known before counts.
func SetBusyCalendar(ctx context.Context, d *db.DB, who shortbreaks.Actor, s SetBusy) (status *BusyStatus, err error) {
	address, err := s.check()
	if err != nil {
		return nil, err
	}
	err = withLane(ctx, d, who, s.LaneID, func(tx *db.Tx, lane laneKey) error {
		if s.File != "" {
			busy, trouble := busyTimes(s.File, tx.Now, tx.Now.Add(busyAhead))
			if trouble != "" {
				return shortbreaks.ErrInvalid.With(trouble).At("/file", trouble)
			}
			if err := storeBusy(ctx, tx, lane, busy); err != nil {
				return err
			}
		}
		version, err := saveBusySource(ctx, tx, lane, address)
		if err != nil {
			return err
		}
		if address != nil {
			err := tx.Enqueue(ctx, FetchBusyArgs{ProviderID: lane.provider, LaneID: lane.lane, Version: version}, &river.InsertOpts{Queue: db.QueueOutside})
			if err != nil {
				return err
			}
		}
		status, err = busyStatus(ctx, tx, lane)
		return err
	})
	return status, err
}

func (s SetBusy) check() (*string, error) {
	if (s.Address == "") == (s.File == "") {
		words := "Give address or file, and not both."
		return nil, shortbreaks.ErrInvalid.With(words).At("/address", words)
	}
	if s.File != "" {
		return nil, nil
	}
	address := s.Address
	if rest, is := strings.CutPrefix(address, "webcal://"); is {
		address = "https://" + rest
	}
	u, err := url.Parse(address)
	if err != nil || len(address) > 2000 || !fetchable(u) {
		words := "Give the full https address at which the calendar is published."
		return nil, shortbreaks.ErrInvalid.With(words).At("/address", words)
	}
	return &address, nil
}

// saveBusySource writes where the times come from and gives the version that a
// reading must name.
func saveBusySource(ctx context.Context, tx *db.Tx, lane laneKey, address *string) (version int, err error) {
	err = tx.PGX.QueryRow(ctx, `INSERT INTO busy_calendar (provider_id, lane_id, address, version, checked_at) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (provider_id, lane_id) DO UPDATE
		SET address = excluded.address, version = busy_calendar.version + 1, checked_at = excluded.checked_at, trouble = ''
		RETURNING version`, lane.provider, lane.lane, address, checkedNow(address, tx.Now)).Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("writing the busy calendar of lane %s: %w", lane.lane, err)
	}
	return version, nil
}

// checkedNow: a file has been read already, an address has not.
func checkedNow(address *string, now time.Time) *time.Time {
	if address != nil {
		return nil
	}
	return &now
}

// GetBusyCalendar says how a lane's calendar stands; not-found if it has none.
func GetBusyCalendar(ctx context.Context, d *db.DB, who shortbreaks.Actor, lane uuid.UUID) (status *BusyStatus, err error) {
	err = withLane(ctx, d, who, lane, func(tx *db.Tx, k laneKey) error {
		status, err = busyStatus(ctx, tx, k)
		return err
	})
	return status, err
}

// RemoveBusyCalendar forgets a lane's calendar with its busy times. Removing
// twice is removing once.
func RemoveBusyCalendar(ctx context.Context, d *db.DB, who shortbreaks.Actor, lane uuid.UUID) error {
	return withLane(ctx, d, who, lane, func(tx *db.Tx, k laneKey) error {
		if err := storeBusy(ctx, tx, k, nil); err != nil {
			return err
		}
		_, err := gorm.G[BusyCalendar](tx.DB).Where("provider_id = ? AND lane_id = ?", k.provider, k.lane).Delete(ctx)
		if err != nil {
			return fmt.Errorf("removing the busy calendar of lane %s: %w", k.lane, err)
		}
		return nil
	})
}

const sqlLockLane = `SELECT provider_id FROM lane WHERE id = $1 AND provider_id = ANY ($2) FOR UPDATE`

// withLane locks one of the provider's own lanes, as whoever reserves does:
// busy times and visits of a lane are written one after the other.
func withLane(ctx context.Context, d *db.DB, who shortbreaks.Actor, lane uuid.UUID, f func(*db.Tx, laneKey) error) error {
	if !who.Is(shortbreaks.ProviderOwner, shortbreaks.Coordinator) {
		return shortbreaks.ErrForbidden
	}
	return d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		k := laneKey{lane: lane}
		err := tx.PGX.QueryRow(ctx, sqlLockLane, lane, who.Providers).Scan(&k.provider)
		if errors.Is(err, errNoRows) {
			return shortbreaks.ErrNotFound.With("There is no such lane within your reach.")
		}
		if err != nil {
			return fmt.Errorf("locking lane %s: %w", lane, err)
		}
		return f(tx, k)
	})
}

// storeBusy replaces a lane's busy times. The caller has locked the lane.
func storeBusy(ctx context.Context, tx *db.Tx, lane laneKey, busy []span) error {
	if _, err := tx.PGX.Exec(ctx, `DELETE FROM lane_busy WHERE provider_id = $1 AND lane_id = $2`, lane.provider, lane.lane); err != nil {
		return fmt.Errorf("clearing the busy times of lane %s: %w", lane.lane, err)
	}
	from, to := make([]time.Time, len(busy)), make([]time.Time, len(busy))
	for i, b := range busy {
		from[i], to[i] = b.from, b.to
	}
	_, err := tx.PGX.Exec(ctx, `INSERT INTO lane_busy (provider_id, lane_id, during)
		SELECT $1, $2, tstzrange(b.from_at, b.to_at) FROM unnest($3::timestamptz[], $4::timestamptz[]) AS b (from_at, to_at)`,
		lane.provider, lane.lane, from, to)
	if err != nil {
		return fmt.Errorf("writing the busy times of lane %s: %w", lane.lane, err)
	}
	return nil
}

const sqlClashes = `
SELECT lower(c.during), upper(c.during)
FROM lane_claim c
WHERE c.provider_id = $1 AND c.lane_id = $2 AND upper(c.during) > $3
    AND EXISTS (SELECT FROM lane_busy b WHERE b.provider_id = c.provider_id AND b.lane_id = c.lane_id AND b.during && c.during)
ORDER BY lower(c.during)
LIMIT 100`

func busyStatus(ctx context.Context, tx *db.Tx, lane laneKey) (*BusyStatus, error) {
	b, err := gorm.G[BusyCalendar](tx.DB).Where("provider_id = ? AND lane_id = ?", lane.provider, lane.lane).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound.With("This lane has no busy calendar.")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the busy calendar of lane %s: %w", lane.lane, err)
	}
	s := &BusyStatus{LaneID: lane.lane, CheckedAt: b.CheckedAt, Trouble: b.Trouble}
	if b.Address != nil {
		if u, err := url.Parse(*b.Address); err == nil {
			s.Host = u.Hostname()
		}
	}
	err = tx.PGX.QueryRow(ctx, `SELECT count(*) FROM lane_busy WHERE provider_id = $1 AND lane_id = $2 AND upper(during) > $3`,
		lane.provider, lane.lane, tx.Now).Scan(&s.BusyTimes)
	if err != nil {
		return nil, fmt.Errorf("counting the busy times of lane %s: %w", lane.lane, err)
	}
	rows, err := tx.PGX.Query(ctx, sqlClashes, lane.provider, lane.lane, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("looking for clashes of lane %s: %w", lane.lane, err)
	}
	s.Clashes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Clash])
	if err != nil {
		return nil, fmt.Errorf("looking for clashes of lane %s: %w", lane.lane, err)
	}
	return s, nil
}

// FetchBusyArgs asks for one reading of a worker's calendar.
type FetchBusyArgs struct {
	ProviderID uuid.UUID `json:"provider_id"`
	LaneID     uuid.UUID `json:"lane_id"`
	Version    int       `json:"version"`
}

// Kind names the job.
func (FetchBusyArgs) Kind() string { return "fetch_busy_calendar" }

// busyEvery is how often a calendar is read again.
const busyEvery = time.Hour

// BusyWorker works FetchBusyArgs; cmd registers it. Each reading raises the
// version and asks for the next one in the same transaction: one repeated
// after a crash finds that it is not its turn, so that there is never more
// than one next.
type BusyWorker struct {
	river.WorkerDefaults[FetchBusyArgs]
	DB    *db.DB
	Fetch Fetcher
}

// Work reads a calendar and keeps its busy times. A calendar that cannot be
// read is no error of the job: the provider is told, and it is tried again.
func (w *BusyWorker) Work(ctx context.Context, job *river.Job[FetchBusyArgs]) error {
	a := job.Args
	scope := db.Scope{Providers: []uuid.UUID{a.ProviderID}}
	var source *BusyCalendar
	err := w.DB.Read(ctx, scope, func(tx *db.Tx) (err error) {
		source, err = dueBusy(ctx, tx, a)
		return err
	})
	if err != nil || source == nil {
		return err
	}
	text, trouble := w.Fetch.Get(ctx, *source.Address)
	return w.DB.Do(ctx, scope, func(tx *db.Tx) error {
		lane := laneKey{a.ProviderID, a.LaneID}
		if err := tx.PGX.QueryRow(ctx, sqlLockLane, a.LaneID, scope.Providers).Scan(&lane.provider); err != nil {
			return fmt.Errorf("locking lane %s: %w", a.LaneID, err)
		}
		if source, err := dueBusy(ctx, tx, a); err != nil || source == nil {
			return err
		}
		return keepReading(ctx, tx, lane, a, text, trouble)
	})
}

// dueBusy is the calendar a reading was asked for, nil if it is no longer.
func dueBusy(ctx context.Context, tx *db.Tx, a FetchBusyArgs) (*BusyCalendar, error) {
	b, err := gorm.G[BusyCalendar](tx.DB).Where("provider_id = ? AND lane_id = ? AND version = ? AND address IS NOT NULL", a.ProviderID, a.LaneID, a.Version).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the busy calendar of lane %s: %w", a.LaneID, err)
	}
	return &b, nil
}

func keepReading(ctx context.Context, tx *db.Tx, lane laneKey, a FetchBusyArgs, text, trouble string) error {
	var busy []span
	if trouble == "" {
		busy, trouble = busyTimes(text, tx.Now, tx.Now.Add(busyAhead))
	}
	set := `UPDATE busy_calendar SET version = version + 1, trouble = $4 WHERE provider_id = $1 AND lane_id = $2 AND version = $3`
	args := []any{a.ProviderID, a.LaneID, a.Version, trouble}
	if trouble == "" {
		if err := storeBusy(ctx, tx, lane, busy); err != nil {
			return err
		}
		set = strings.Replace(set, "trouble = $4", "trouble = $4, checked_at = $5", 1)
		args = append(args, tx.Now)
	}
	done, err := tx.PGX.Exec(ctx, set, args...)
	if err != nil || done.RowsAffected() != 1 {
		return fmt.Errorf("keeping a reading of lane %s (%d rows): %w", a.LaneID, done.RowsAffected(), err)
	}
	a.Version++
	return tx.Enqueue(ctx, a, &river.InsertOpts{Queue: db.QueueOutside, ScheduledAt: tx.Now.Add(busyEvery)})
}
