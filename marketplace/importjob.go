package marketplace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"shortbreaks"
	"shortbreaks/internal/db"
)

const (
	importAttempts = 5
	importWithin   = 100 * time.Second // less than it takes for a job to be thought dead and given to another
	progressEvery  = 100               // rows
)

// ImportArgs asks for a file of offers to be imported.
type ImportArgs struct {
	ProviderID uuid.UUID `json:"provider_id"`
	ImportID   uuid.UUID `json:"import_id"`
}

// Kind names the job.
func (ImportArgs) Kind() string { return "import_offers" }

// ImportWorker imports files of offers.
type ImportWorker struct {
	river.WorkerDefaults[ImportArgs]
	DB *db.DB
}

// Timeout is longer than that of other jobs: a file may make 200,000 sessions.
func (*ImportWorker) Timeout(*river.Job[ImportArgs]) time.Duration { return importWithin }

// Work imports one file. A job that died is worked again; what it had not
// finished was never there. When it has failed too often the file is refused.
func (w *ImportWorker) Work(ctx context.Context, job *river.Job[ImportArgs]) error {
	err := RunImport(ctx, w.DB, job.Args)
	if err == nil || job.Attempt < job.MaxAttempts {
		return err
	}
	sorry := []ImportError{{0, "", "We could not import the file, which is our fault. Nothing was imported; send it again later."}}
	return errors.Join(err, endImport(context.WithoutCancel(ctx), w.DB, job.Args, sorry))
}

const (
	sqlBeginImport = `UPDATE offer_import SET state = 'running', rows_done = 0
WHERE provider_id = $1 AND id = $2 AND state IN ('waiting', 'running') RETURNING created_by, role, dry_run, file`

	sqlImportProgress = `UPDATE offer_import SET rows_found = $3, rows_done = $4 WHERE provider_id = $1 AND id = $2 AND state = 'running'`

	sqlImportDone = `UPDATE offer_import SET state = 'done', ended_at = $3, file = NULL, rows_found = $4, rows_done = $4, drafts = $5, published = $6,
    sessions = $7 WHERE provider_id = $1 AND id = $2 AND state = 'running'`

	sqlImportRefused = `UPDATE offer_import SET state = 'refused', ended_at = $3, file = NULL, errors = $4, error_count = $5
WHERE provider_id = $1 AND id = $2 AND state IN ('waiting', 'running')`
)

// RunImport imports the file of an import that has not ended. That it is done
// is written in the transaction that makes its offers: whatever happens in
// between, either both are there or neither, and running it twice is running
// it once. How far it is is written beside that transaction, for those who
// ask. Of a file that cannot be used every error is kept, and nothing else.
func RunImport(ctx context.Context, d *db.DB, a ImportArgs) error {
	scope := db.Scope{Providers: []uuid.UUID{a.ProviderID}}
	who := shortbreaks.Actor{Providers: scope.Providers}
	var dryRun bool
	var file []byte
	err := d.Do(ctx, scope, func(tx *db.Tx) error {
		var role string
		err := tx.PGX.QueryRow(ctx, sqlBeginImport, a.ProviderID, a.ImportID).Scan(&who.Person, &role, &dryRun, &file)
		who.Role = shortbreaks.Role(role)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // it has ended
	}
	if err != nil {
		return fmt.Errorf("beginning import %s: %w", a.ImportID, err)
	}
	rows, err := readSheet(bytes.NewReader(file))
	var report ImportReport
	if err == nil {
		report, err = runSheet(ctx, d, who, a, rows, dryRun)
	}
	refusal, fault := asRefusal(err)
	if fault != nil {
		return fmt.Errorf("import %s: %w", a.ImportID, fault)
	}
	if refusal == nil {
		return nil
	}
	wrong := report.Errors
	if len(wrong) == 0 {
		wrong = []ImportError{{0, "", refusal.Detail}}
	}
	return endImport(ctx, d, a, wrong)
}

// runSheet makes the offers, and with them writes that it is done.
func runSheet(ctx context.Context, d *db.DB, who shortbreaks.Actor, a ImportArgs, rows sheet, dryRun bool) (ImportReport, error) {
	var behind error // that nobody can see how far it is stops the import: it would seem to hang
	told := 0
	progress := func(done, total int) {
		if done < told {
			told = 0 // the transaction is run again
		}
		if behind != nil || done < told+progressEvery && done < total {
			return
		}
		told = done
		behind = d.Do(ctx, db.For(who), func(tx *db.Tx) error {
			_, err := tx.PGX.Exec(ctx, sqlImportProgress, a.ProviderID, a.ImportID, total, done)
			return err
		})
	}
	return importSheet(ctx, d, who, a.ProviderID, rows, ImportOptions{DryRun: dryRun, Progress: progress}, func(tx *db.Tx, r ImportReport) error {
		if behind != nil {
			return fmt.Errorf("telling how far it is: %w", behind)
		}
		return changed(tx.PGX.Exec(ctx, sqlImportDone, a.ProviderID, a.ImportID, tx.Now, r.Rows, r.Drafts, r.Published, r.Sessions))
	})
}

// endImport refuses the file with what is wrong with it.
func endImport(ctx context.Context, d *db.DB, a ImportArgs, wrong []ImportError) error {
	kept, err := json.Marshal(wrong[:min(len(wrong), mostErrorsKept)])
	if err != nil {
		return fmt.Errorf("writing the errors of import %s: %w", a.ImportID, err)
	}
	return d.Do(ctx, db.Scope{Providers: []uuid.UUID{a.ProviderID}}, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, sqlImportRefused, a.ProviderID, a.ImportID, tx.Now, kept, len(wrong))
		if err != nil {
			return fmt.Errorf("refusing import %s: %w", a.ImportID, err)
		}
		return nil
	})
}

const (
	sqlStaleImports = `SELECT provider_id, id FROM offer_import WHERE provider_id = ANY ($1) AND ended_at IS NULL AND created_at < $2`
	sqlOldImports   = `DELETE FROM offer_import WHERE provider_id = ANY ($1) AND ended_at < $2`
)

// TidyImports refuses imports whose job was lost a day ago, so that no file is
// kept for longer, and forgets those that ended 30 days ago. It says how many it
// refused.
func TidyImports(ctx context.Context, d *db.DB) (refused int, err error) {
	for after := uuid.Nil; ; {
		providers, err := ProvidersAfter(ctx, d, after, providersAtOnce)
		if err != nil || len(providers) == 0 {
			return refused, err
		}
		var stale []ImportArgs
		err = d.Do(ctx, db.Scope{Providers: providers}, func(tx *db.Tx) error {
			if _, err := tx.PGX.Exec(ctx, sqlOldImports, providers, tx.Now.Add(-keepImports)); err != nil {
				return err
			}
			rows, err := tx.PGX.Query(ctx, sqlStaleImports, providers, tx.Now.Add(-importStaleAfter))
			if err != nil {
				return err
			}
			stale, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ImportArgs])
			return err
		})
		if err != nil {
			return refused, fmt.Errorf("tidying imports: %w", err)
		}
		for _, a := range stale {
			lost := []ImportError{{0, "", "The import did not run, which is our fault. Nothing was imported; send the file again."}}
			if err := endImport(ctx, d, a, lost); err != nil {
				return refused, err
			}
			refused++
		}
		after = providers[len(providers)-1]
	}
}

// changed makes sure that a statement changed one row.
func changed(done pgconn.CommandTag, err error) error {
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows changed, not one", done.RowsAffected())
	}
	return err
}
