package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/booking"
	"shortbreaks/internal/db"
)

var errNoBookingFile = errors.New("name the file and whose it is: shortbreaks import bookings FILE --authority NAME|--provider NAME [--dry-run]")

// bookingsFile is what is asked of a file of bookings.
type bookingsFile struct {
	file, authority, provider string
	dryRun                    bool
}

// importBookings brings an authority's bookings in, or the places a provider has
// promised to families that do not book here: all rows or none.
func importBookings(ctx context.Context, cfg config, args []string, out io.Writer) error {
	a, err := bookingsArgs(args)
	if errors.Is(err, errNoBookingFile) {
		fmt.Fprint(out, booking.ImportBookingsHelp)
	}
	if err != nil {
		return err
	}
	f, err := os.Open(a.file)
	if err != nil {
		return fmt.Errorf("open the bookings: %w", err)
	}
	defer func() { _ = f.Close() }()
	d, err := openRunning(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	progress, finish := progressOf("rows")
	opts := booking.ImportOptions{DryRun: a.dryRun, Progress: progress}
	var who shortbreaks.Actor
	var report booking.ImportReport
	if a.provider != "" {
		if who, err = providerNamed(ctx, d.DB, a.provider); err == nil {
			report, err = booking.ImportOutside(ctx, d.DB, who, nil, f, opts)
		}
	} else {
		if who, err = authorityNamed(ctx, d.DB, a.authority); err == nil {
			report, _, err = booking.ImportBookings(ctx, d.DB, who, nil, f, opts, nil)
		}
	}
	finish()
	return sayBookings(out, report, err)
}

func bookingsArgs(args []string) (a bookingsFile, err error) {
	flags := flag.NewFlagSet("import bookings", flag.ContinueOnError)
	flags.StringVar(&a.authority, "authority", "", "the authority's name, exactly")
	flags.StringVar(&a.provider, "provider", "", "the provider's name, exactly")
	flags.BoolVar(&a.dryRun, "dry-run", false, "check the file and change nothing")
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return a, err
		}
		if args = flags.Args(); len(args) > 0 {
			if a.file != "" {
				return a, fmt.Errorf("one file at a time: %s or %s", a.file, args[0])
			}
			a.file, args = args[0], args[1:]
		}
	}
	if a.file == "" || (a.authority == "") == (a.provider == "") {
		return a, errNoBookingFile
	}
	return a, nil
}

// authorityNamed acts as a practitioner of the authority of that name; whoever
// runs this command holds the database itself.
func authorityNamed(ctx context.Context, d *db.DB, name string) (shortbreaks.Actor, error) {
	var ids []uuid.UUID
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) error {
		return tx.PGX.QueryRow(ctx, `SELECT coalesce(array_agg(id), '{}') FROM authority WHERE name = $1`, name).Scan(&ids)
	})
	if err != nil {
		return shortbreaks.Actor{}, fmt.Errorf("look for the authority: %w", err)
	}
	if len(ids) != 1 {
		return shortbreaks.Actor{}, fmt.Errorf("there are %d authorities called %q", len(ids), name)
	}
	return shortbreaks.Actor{Role: shortbreaks.Practitioner, Authorities: ids}, nil
}

// sayBookings tells every error by its place, or what was made.
func sayBookings(out io.Writer, r booking.ImportReport, err error) error {
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
		fmt.Fprintf(out, "The file is right. It would make %d and leave %d as they are; nothing was changed.\n", r.Made, r.Unchanged)
		return nil
	}
	fmt.Fprintf(out, "Imported %d; %d were there before.\n", r.Made, r.Unchanged)
	return nil
}
