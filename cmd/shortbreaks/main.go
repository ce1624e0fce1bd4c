package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"shortbreaks/internal/demo"
)

// errFailed ends a command with exit code 1 after it has said why itself.
var errFailed = errors.New("failed")

const usage = `shortbreaks COMMAND

  demo [--scale N]   serve with demo data on a PostgreSQL of its own; the quickest start
  serve         serve; settings are environment variables (deploy/README.md)
  migrate       bring the schema to the newest version
  audit         prove the books; exits 1 with the rows that do not add up
  import offers FILE --provider NAME [--dry-run]   publish a price list, CSV or Excel (.xlsx)
  export offers --provider NAME [--state STATE,...] [--format csv|xlsx] [--out FILE]
                write a provider's offers as import offers reads them
  import holidays FILE [--dry-run]                 add bank holidays from a CSV
  import calendar FILE (--authority NAME | --school NAME) [--dry-run]
                import term dates from a CSV or iCalendar file
  import bookings FILE --authority NAME|--provider NAME [--dry-run]   bookings there were before, CSV or Excel
  import places FILE    postcodes or outcodes from a CSV, such as the ONS Postcode Directory
  bench         measure createBooking against the floor of PostgreSQL itself
  bench past    measure createBooking among 5,000,000 bookings of the past, beside few
  bench search  measure searching and comparing among 100,000 offers
  healthcheck   exits 0 if the service on SHORTBREAKS_ADDR is alive
  version       says which build this is
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { // a second signal ends at once
		<-ctx.Done()
		stop()
	}()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil:
	case errors.Is(err, errFailed):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "shortbreaks:", err)
		os.Exit(1)
	}
}

// run does what one command line asks.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(out, usage)
		return errFailed
	}
	cfg, err := readConfig(os.Environ())
	if err != nil {
		return err
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel})))
	switch args[0] {
	case "demo":
		cfg.Mode = modeDemo
		if cfg.Scale, err = demoScale(args[1:]); err != nil {
			return err
		}
		return serve(ctx, cfg, out)
	case "serve":
		return serve(ctx, cfg, out)
	case "migrate":
		return migrate(ctx, cfg, out)
	case "audit":
		return audit(ctx, cfg, out)
	case "import":
		return importFile(ctx, cfg, args[1:], out)
	case "export":
		return exportOffers(ctx, cfg, args[1:], out)
	case "bench":
		return bench(ctx, args[1:], out)
	case "healthcheck":
		return healthcheck(ctx, cfg)
	case "version":
		fmt.Fprintln(out, version())
		return nil
	case "help", "-h", "--help":
		fmt.Fprint(out, usage)
		return nil
	}
	fmt.Fprint(out, usage)
	return fmt.Errorf("there is no command %q", args[0])
}

// demoScale reads how large the demo is to be.
func demoScale(args []string) (int, error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	scale := flags.Int("scale", 1, "how many times as many providers and offers")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	if flags.NArg() > 0 || *scale < 1 || *scale > demo.MostScale {
		return 0, fmt.Errorf("demo takes --scale 1 to %d and nothing else", demo.MostScale)
	}
	return *scale, nil
}

// version names the commit the program was built from, if it is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return info.Main.Version
}
