package marketplace

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// ImportState is where an import stands.
type ImportState string

// An import waits for its job, runs, and ends with everything made or nothing.
const (
	ImportWaiting ImportState = "waiting"
	ImportRunning ImportState = "running"
	ImportDone    ImportState = "done"
	ImportRefused ImportState = "refused"
)

// Bounds of imports.
const (
	mostErrorsKept   = 200 // of one file; the count is of all
	mostUnderWay     = 3   // of one provider at a time
	keepImportKeys   = 72 * time.Hour
	keepImports      = 30 * 24 * time.Hour
	importStaleAfter = 24 * time.Hour
)

// ErrImportsUnderWay refuses one import more than a provider may have under
// way.
var ErrImportsUnderWay = shortbreaks.NewError(shortbreaks.Conflict, "imports-under-way", "Your earlier imports are still under way")

// OfferImport is a file of offers on its way in, and what became of it. The
// file itself is forgotten when the import ends.
type OfferImport struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	CreatedAt   time.Time
	CreatedBy   uuid.UUID
	Role        shortbreaks.Role
	DryRun      bool
	RequestKey  *string
	RequestHash []byte
	File        []byte // nil once it has ended, and where it is only read about
	State       ImportState
	RowsFound   int
	RowsDone    int // rows looked at so far
	Drafts      int
	Published   int
	Sessions    int
	Errors      []ImportError `gorm:"serializer:json"` // the first 200
	ErrorCount  int           // all of them
	EndedAt     *time.Time
}

// TableName is the table's.
func (OfferImport) TableName() string { return "offer_import" }

// StartOfferImport is a file to be imported by a job.
type StartOfferImport struct {
	ProviderID *uuid.UUID // nil: the one the actor acts for
	DryRun     bool
	File       []byte
	Key        string // the Idempotency-Key
}

// hash is of all that makes two requests the same one.
func (c StartOfferImport) hash(provider uuid.UUID) []byte {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s %v ", provider, c.DryRun)
	_, _ = h.Write(c.File)
	return h.Sum(nil)
}

// waitingImport is the import as it was when it began: what a repeated
// request is answered, byte for byte.
func waitingImport(i OfferImport) *OfferImport {
	return &OfferImport{ProviderID: i.ProviderID, ID: i.ID, CreatedAt: i.CreatedAt, DryRun: i.DryRun, State: ImportWaiting}
}

// StartImport keeps a file and enqueues its import. A request repeated with
// its key within 72 hours is answered as at first and imports nothing again.
// Errors: forbidden, not-found, invalid, imports-under-way,
// idempotency-key-reused.
func StartImport(ctx context.Context, d *db.DB, who shortbreaks.Actor, c StartOfferImport) (made *OfferImport, replayed bool, err error) {
	if !who.Is(editors...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	provider, err := chosenProvider(who, c.ProviderID)
	if err != nil {
		return nil, false, err
	}
	switch {
	case len(c.File) == 0:
		return nil, false, unreadable("The file is empty.")
	case len(c.File) > maxImportBytes:
		return nil, false, unreadable("The file is larger than 5 MB; split it.")
	}
	err = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
		made, replayed, err = c.start(ctx, tx, provider, who)
		return err
	})
	return made, replayed, err
}

const (
	sqlForgetImportKeys = `UPDATE offer_import SET request_key = NULL WHERE provider_id = $1 AND request_key IS NOT NULL AND created_at < $2`

	// Two requests with one key meet in the index: the later waits for the
	// earlier and then finds its row.
	sqlStartImport = `INSERT INTO offer_import (provider_id, id, created_at, created_by, role, dry_run, request_key, request_hash, file, state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting')
ON CONFLICT (provider_id, created_by, request_key) WHERE request_key IS NOT NULL DO NOTHING`
)

func (c StartOfferImport) start(ctx context.Context, tx *db.Tx, provider uuid.UUID, who shortbreaks.Actor) (*OfferImport, bool, error) {
	if _, err := tx.PGX.Exec(ctx, sqlForgetImportKeys, provider, tx.Now.Add(-keepImportKeys)); err != nil {
		return nil, false, fmt.Errorf("forgetting old keys of imports: %w", err)
	}
	i := OfferImport{ProviderID: provider, ID: shortbreaks.NewID(), CreatedAt: tx.Now, DryRun: c.DryRun}
	done, err := tx.PGX.Exec(ctx, sqlStartImport, provider, i.ID, i.CreatedAt, who.Person, string(who.Role), c.DryRun, c.Key, c.hash(provider), c.File)
	if err != nil {
		return nil, false, fmt.Errorf("keeping a file of offers: %w", err)
	}
	if done.RowsAffected() == 0 {
		first, err := gorm.G[OfferImport](tx.DB).Omit("File").Where("provider_id = ? AND created_by = ? AND request_key = ?", provider, who.Person, c.Key).First(ctx)
		if err != nil {
			return nil, false, fmt.Errorf("reading the import of a repeated request: %w", err)
		}
		if !bytes.Equal(first.RequestHash, c.hash(provider)) {
			return nil, false, shortbreaks.ErrKeyReused
		}
		return waitingImport(first), true, nil
	}
	underWay, err := gorm.G[OfferImport](tx.DB).Where("provider_id = ? AND ended_at IS NULL", provider).Count(ctx, "id")
	if err != nil {
		return nil, false, fmt.Errorf("counting imports under way: %w", err)
	}
	if underWay > mostUnderWay {
		return nil, false, ErrImportsUnderWay.With("Nothing was kept of this file. Wait until one of them has ended.")
	}
	err = tx.Enqueue(ctx, ImportArgs{ProviderID: provider, ImportID: i.ID}, &river.InsertOpts{MaxAttempts: importAttempts})
	return waitingImport(i), false, err
}

// ReadImport says how far an import is. Errors: forbidden, not-found.
func ReadImport(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (*OfferImport, error) {
	if !who.Is(editors...) {
		return nil, shortbreaks.ErrForbidden
	}
	var i OfferImport
	err := d.Read(ctx, db.For(who), func(tx *db.Tx) (err error) {
		i, err = gorm.G[OfferImport](tx.DB).Omit("File").Where("provider_id IN ? AND id = ?", who.Providers, id).First(ctx)
		return err
	})
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, shortbreaks.ErrNotFound.With("There is no such import within your reach.")
	}
	if err != nil {
		return nil, fmt.Errorf("reading import %s: %w", id, err)
	}
	return &i, nil
}

// Imports lists the imports of the last 30 days, the newest first, without
// their errors. after is the last of the page before.
func Imports(ctx context.Context, d *db.DB, who shortbreaks.Actor, after uuid.UUID, limit int) (list []OfferImport, more bool, err error) {
	if !who.Is(editors...) {
		return nil, false, shortbreaks.ErrForbidden
	}
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		list, err = gorm.G[OfferImport](tx.DB).Omit("File", "Errors").Where("provider_id IN ? AND (? OR id < ?)", who.Providers, after == uuid.Nil, after).
			Order("id DESC").Limit(limit + 1).Find(ctx)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("listing imports: %w", err)
	}
	list, more = paged(list, limit)
	return list, more, nil
}
