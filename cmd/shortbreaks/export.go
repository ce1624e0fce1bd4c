package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"shortbreaks"
	"shortbreaks/marketplace"
)

var errExportArgs = errors.New("name the provider: shortbreaks export offers --provider NAME [--state STATE,...] [--format csv|xlsx] [--out FILE]")

// exportArgs is what a command line asks to be exported, and where to.
type exportArgs struct {
	provider, file string
	q              marketplace.OfferExport
}

// exportOffers writes a provider's offers to a file, or to the terminal, in
// the format that importOffers reads.
func exportOffers(ctx context.Context, cfg config, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] != "offers" {
		return errors.New("say what to export: shortbreaks export offers --provider NAME")
	}
	a, err := readExportArgs(args[1:])
	if err != nil {
		return err
	}
	d, err := openRunning(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	who, err := providerNamed(ctx, d.DB, a.provider)
	if err != nil {
		return err
	}
	var finish func()
	a.q.Progress, finish = progressOf("offers")
	sheet, err := marketplace.ExportOffers(ctx, d.DB, who, a.q)
	finish()
	if err != nil {
		return err
	}
	if a.file == "" {
		_, err := out.Write(sheet.Body)
		return err
	}
	if err := os.WriteFile(a.file, sheet.Body, 0o600); err != nil {
		return fmt.Errorf("write the price list: %w", err)
	}
	fmt.Fprintf(out, "Wrote %s in %s to %s.\n", shortbreaks.Plural(sheet.Offers, "offer"), shortbreaks.Plural(sheet.Rows, "row"), a.file)
	return nil
}

// readExportArgs reads the flags; where no format is given, the file's name
// says it.
func readExportArgs(args []string) (a exportArgs, err error) {
	flags := flag.NewFlagSet("export offers", flag.ContinueOnError)
	flags.StringVar(&a.provider, "provider", "", "the provider's name, exactly")
	flags.StringVar(&a.file, "out", "", "the file to write; without it the terminal")
	states := flags.String("state", "", "only offers in these states: draft,published,paused,withdrawn (all but withdrawn)")
	format := flags.String("format", "", "csv or xlsx (csv, or what the file's name says)")
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	if a.provider == "" || flags.NArg() > 0 {
		return a, errExportArgs
	}
	if *format == "" && strings.HasSuffix(strings.ToLower(a.file), ".xlsx") {
		*format = string(marketplace.XLSX)
	}
	if *format != "" && !slices.Contains(marketplace.SheetFormats, *format) {
		return a, errors.New("--format is csv or xlsx")
	}
	a.q.Format = marketplace.SheetFormat(*format)
	all := []marketplace.OfferState{marketplace.Draft, marketplace.Published, marketplace.Paused, marketplace.Withdrawn}
	for _, name := range strings.FieldsFunc(*states, func(c rune) bool { return c == ',' || c == ' ' }) {
		if !slices.Contains(all, marketplace.OfferState(name)) {
			return a, fmt.Errorf("there is no state %q; states are draft, published, paused and withdrawn", name)
		}
		a.q.States = append(a.q.States, marketplace.OfferState(name))
	}
	return a, nil
}
