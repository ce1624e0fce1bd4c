package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace"
)

// importFile does what the word after `import` says.
func importFile(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "holidays":
			return importHolidays(ctx, cfg, args[1:], out)
		case "calendar":
			return importCalendar(ctx, cfg, args[1:], out)
		}
	}
	return importOffers(ctx, cfg, args, out)
}

// fileArgs reads a file's name and the flags, in any order.
func fileArgs(flags *flag.FlagSet, args []string) (file string, err error) {
	for len(args) > 0 {
		if err := flags.Parse(args); err != nil {
			return "", err
		}
		if args = flags.Args(); len(args) > 0 {
			if file != "" {
				return "", fmt.Errorf("one file at a time: %s or %s", file, args[0])
			}
			file, args = args[0], args[1:]
		}
	}
	return file, nil
}

// withFile opens the file and the database for f.
func withFile(ctx context.Context, cfg config, file string, f func(d *db.DB, r io.Reader) error) error {
	r, err := os.Open(file) //nolint:gosec // the file the person named
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = r.Close() }()
	d, err := openRunning(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return f(d.DB, r)
}

// sayErrors tells every error by its place; it reports whether there was one.
func sayErrors(out io.Writer, errs []marketplace.ImportError, rows int) bool {
	for _, e := range errs {
		fmt.Fprintf(out, "row %d, %s: %s\n", e.Row, e.Column, e.Detail)
	}
	if len(errs) > 0 {
		fmt.Fprintf(out, "%s in %s. Nothing was imported; put them right and try again.\n", shortbreaks.Plural(len(errs), "error"), shortbreaks.Plural(rows, "row"))
	}
	return len(errs) > 0
}

// importHolidays adds bank holidays from a CSV.
func importHolidays(ctx context.Context, cfg config, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("import holidays", flag.ContinueOnError)
	dryRun := flags.Bool("dry-run", false, "check the file and change nothing")
	file, err := fileArgs(flags, args)
	if err != nil {
		return err
	}
	if file == "" {
		fmt.Fprint(out, marketplace.HolidaysHelp)
		return errors.New("name the file: shortbreaks import holidays FILE [--dry-run]")
	}
	return withFile(ctx, cfg, file, func(d *db.DB, r io.Reader) error {
		report, err := marketplace.ImportHolidays(ctx, d, r, *dryRun)
		switch {
		case sayErrors(out, report.Errors, report.Rows):
			return errFailed
		case err != nil:
			return err
		}
		done := "Imported"
		if *dryRun {
			done = "The file is right; nothing was changed. It has"
		}
		fmt.Fprintf(out, "%s %s: %d new, %d with another name, %d known.\n", done, shortbreaks.Plural(report.Rows, "bank holiday"), report.Added, report.Renamed, report.Unchanged)
		return nil
	})
}

// importCalendar reads the term dates of a school or an authority. A school
// that is named together with its authority is made if it is not known.
func importCalendar(ctx context.Context, cfg config, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("import calendar", flag.ContinueOnError)
	authority := flags.String("authority", "", "the council's name, exactly")
	school := flags.String("school", "", "the school's name; with --authority it is made if it is not known")
	dryRun := flags.Bool("dry-run", false, "check the file and change nothing")
	file, err := fileArgs(flags, args)
	if err != nil {
		return err
	}
	if file == "" || (*authority == "" && *school == "") {
		fmt.Fprint(out, marketplace.CalendarHelp)
		return errors.New("name the file and whose it is: shortbreaks import calendar FILE --authority NAME, or --school NAME")
	}
	c := marketplace.CalendarImport{SchoolName: *school, Format: "csv", DryRun: *dryRun}
	if lower := strings.ToLower(file); strings.HasSuffix(lower, ".ics") || strings.HasSuffix(lower, ".ical") {
		c.Format = "ical"
	}
	return withFile(ctx, cfg, file, func(d *db.DB, r io.Reader) error {
		id, err := marketplace.AuthorityOf(ctx, d, *authority, *school)
		if err != nil {
			return err
		}
		who := shortbreaks.Actor{Role: shortbreaks.Commissioner, Authorities: []uuid.UUID{id}} // whoever runs this holds the database itself
		report, err := marketplace.ImportCalendar(ctx, d, who, r, c)
		switch {
		case sayErrors(out, report.Errors, report.Rows):
			return errFailed
		case err != nil:
			return err
		}
		sayCalendar(out, report, *school)
		return nil
	})
}

func sayCalendar(out io.Writer, r marketplace.CalendarReport, school string) {
	done := "Imported"
	if r.DryRun {
		done = "The file is right; nothing was changed. It has"
	}
	fmt.Fprintf(out, "%s %s from %s to %s; %d of before replaced.\n", done, shortbreaks.Plural(r.Rows, "range"),
		r.FirstDate.Format(time.DateOnly), r.LastDate.Format(time.DateOnly), r.Replaced)
	if r.NewSchool {
		fmt.Fprintf(out, "The school %q was not known before.\n", school)
	}
}
