package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"

	"shortbreaks/marketplace"
)

// importPlaces reads postcodes or outcodes from a CSV: all rows or none, every
// error named by row and column.
func importPlaces(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) != 1 {
		fmt.Fprint(out, marketplace.PlacesHelp)
		return errors.New("name the file: shortbreaks import places FILE")
	}
	f, err := os.Open(args[0]) //nolint:gosec // the file the person named
	if err != nil {
		return fmt.Errorf("open the places: %w", err)
	}
	defer func() { _ = f.Close() }()
	size := int64(-1)
	if info, err := f.Stat(); err == nil {
		size = info.Size()
	}
	d, err := openRunning(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	bar := progressbar.NewOptions64(size, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription("places"),
		progressbar.OptionClearOnFinish(), progressbar.OptionShowBytes(true))
	report, err := marketplace.ImportPlaces(ctx, d.DB, f, func(read int64) { _ = bar.Set64(read) })
	_ = bar.Finish()
	for _, e := range report.Errors {
		fmt.Fprintf(out, "row %d, %s: %s\n", e.Row, e.Column, e.Detail)
	}
	if len(report.Errors) > 0 {
		fmt.Fprintln(out, "Nothing was imported; put them right and try again.")
		return errFailed
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d places are known from %d rows: %d outcodes worked out, %d rows without a grid reference left out.\n", report.Places, report.Rows, report.Outcodes, report.Skipped)
	return nil
}
