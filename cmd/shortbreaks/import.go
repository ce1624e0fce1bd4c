package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

var errNoFile = errors.New("name the file and the provider: shortbreaks import offers FILE --provider NAME [--dry-run]")

// importOffers publishes a provider's price list from a CSV file or an Excel
// workbook: all rows or none, every error named by row and column.
func importOffers(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == "places" {
		return importPlaces(ctx, cfg, args[1:], out)
	}
	if len(args) > 0 && args[0] == "bookings" {
		return importBookings(ctx, cfg, args[1:], out)
	}
	if len(args) == 0 || args[0] != "offers" {
		return errors.New("say what to import: shortbreaks import offers FILE --provider NAME, import bookings FILE --authority NAME, or import places FILE")
	}
	file, provider, dryRun, err := importArgs(args[1:])
	if errors.Is(err, errNoFile) {
		fmt.Fprint(out, marketplace.ImportHelp)
	}
	if err != nil {
		return err
	}
	f, err := os.Open(file) //nolint:gosec // the file the person named
	if err != nil {
		return fmt.Errorf("open the price list: %w", err)
	}
	defer func() { _ = f.Close() }()
	d, err := openRunning(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	who, err := providerNamed(ctx, d.DB, provider)
	if err != nil {
		return err
	}
	progress, finish := progressOf("rows")
	report, err := marketplace.ImportOffers(ctx, d.DB, who, f, marketplace.ImportOptions{DryRun: dryRun, Progress: progress})
	finish()
	return sayImport(out, report, err)
}

// progressOf shows how far something is, for as long as it takes.
func progressOf(what string) (progress func(done, total int), finish func()) {
	var bar *progressbar.ProgressBar // once it is known how much there is: without, it would turn by itself, in a goroutine of its own
	return func(done, total int) {
			if bar == nil {
				bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what), progressbar.OptionClearOnFinish())
			}
			_ = bar.Set(done)
		}, func() {
			if bar != nil {
				_ = bar.Finish()
			}
		}
}

// openRunning opens DATABASE_URL, or the database of our own that is running.
func openRunning(ctx context.Context, cfg config) (*database, error) {
	if cfg.DatabaseURL == "" {
		dir, err := db.DataDir()
		if err != nil {
			return nil, err
		}
		if cfg.DatabaseURL, err = db.RunningURL(dir); err != nil {
			return nil, err
		}
	}
	return openDatabase(ctx, cfg)
}

// sayImport tells every error by its place, or what was made.
func sayImport(out io.Writer, r marketplace.ImportReport, err error) error {
	for _, e := range r.Errors {
		fmt.Fprintf(out, "row %d, %s: %s\n", e.Row, e.Column, e.Detail)
	}
	if len(r.Errors) > 0 {
		fmt.Fprintf(out, "%d errors in %d rows. Nothing was imported; put them right and try again.\n", len(r.Errors), r.Rows)
		return errFailed
	}
	if err != nil {
		return err
	}
	if r.DryRun {
		fmt.Fprintf(out, "The file is right. It would make %d offers (%d published) with %d sessions; nothing was changed.\n", r.Drafts+r.Published, r.Published, r.Sessions)
		return nil
	}
	fmt.Fprintf(out, "Imported %d offers (%d published) with %d sessions.\n", len(r.OfferIDs), r.Published, r.Sessions)
	return nil
}

// importArgs reads the arguments in any order: the file may stand before the
// flags, as people type it.
func importArgs(args []string) (file, provider string, dryRun bool, err error) {
	flags := flag.NewFlagSet("import offers", flag.ContinueOnError)
	flags.StringVar(&provider, "provider", "", "the provider's name, exactly")
	flags.BoolVar(&dryRun, "dry-run", false, "check the file and change nothing")
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return "", "", false, err
		}
		if args = flags.Args(); len(args) > 0 {
			if file != "" {
				return "", "", false, fmt.Errorf("one file at a time: %s or %s", file, args[0])
			}
			file, args = args[0], args[1:]
		}
	}
	if file == "" || provider == "" {
		return "", "", false, errNoFile
	}
	return file, provider, dryRun, nil
}

// providerNamed acts as the owner of the provider of that name; whoever runs
// this command holds the database itself.
func providerNamed(ctx context.Context, d *db.DB, name string) (shortbreaks.Actor, error) {
	var found []marketplace.Provider
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		found, err = marketplace.ProvidersNamed(ctx, tx, name)
		return err
	})
	switch {
	case err != nil:
		return shortbreaks.Actor{}, err
	case len(found) == 0:
		return shortbreaks.Actor{}, fmt.Errorf("there is no provider called %q", name)
	case len(found) > 1:
		return shortbreaks.Actor{}, fmt.Errorf("there are %d providers called %q; give one of them another name first", len(found), name)
	}
	return shortbreaks.Actor{Role: shortbreaks.ProviderOwner, Providers: []uuid.UUID{found[0].ID}}, nil
}
