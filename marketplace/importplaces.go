package marketplace

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// PlacesHelp says what a file of places holds.
const PlacesHelp = `A CSV with a header row. These columns are looked for, whatever their order; others are ignored:

  postcode     or pcds, pcd, outcode: ZZ1 1AA, or ZZ1 for an outcode
  latitude     or lat: degrees
  longitude    or long, lon, lng: degrees
  area         or district, or a local authority name or code of the ONS Postcode Directory
               (lad...nm, ladnm, laua, oslaua, lad...cd)

Codes no longer in use have no grid reference in that directory (latitude 99.999999) and are left
out. The middle of each outcode is worked out from its postcodes, unless the file has its own row.
Nothing is imported unless every row can be; importing a file again changes nothing.
`

// PlacesReport is what became of a file of places.
type PlacesReport struct {
	Rows     int
	Places   int // written, outcodes worked out besides
	Outcodes int // of them worked out
	Skipped  int // without a grid reference
	Errors   []ImportError
}

// placesAtOnce is how many rows a statement writes; mostPlaceErrors how many
// faults are told before reading on is given up.
const (
	placesAtOnce    = 5_000
	mostPlaceErrors = 100
)

var (
	codeShape    = regexp.MustCompile(`^[A-Z]{1,2}[0-9][A-Z0-9]?([0-9][A-Z]{2})?$`)
	placeColumns = map[string]*regexp.Regexp{
		"postcode":  regexp.MustCompile(`^(pcds|postcode|pcd[0-9]?|outcode)$`),
		"latitude":  regexp.MustCompile(`^(lat|latitude)$`),
		"longitude": regexp.MustCompile(`^(long|lon|lng|longitude)$`),
		"area":      regexp.MustCompile(`^(area|district|lad[0-9]*nm|lad[0-9]*cd|laua|oslaua)$`),
	}
)

const sqlAddPlaces = `
INSERT INTO place AS p (code, postcode, area, latitude, longitude)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[], $5::float8[])
ON CONFLICT (code) DO UPDATE SET postcode = excluded.postcode, area = excluded.area, latitude = excluded.latitude, longitude = excluded.longitude
WHERE (p.postcode, p.area, p.latitude, p.longitude) IS DISTINCT FROM (excluded.postcode, excluded.area, excluded.latitude, excluded.longitude)`

// ImportPlaces reads postcodes or outcodes from a CSV (see PlacesHelp) into
// the table of places: all of them or none. It is for whoever runs the service,
// not an operation of it. progress, if given, is told how many bytes were read.
func ImportPlaces(ctx context.Context, d *db.DB, r io.Reader, progress func(read int64)) (PlacesReport, error) {
	counted := &countedReader{r: r}
	var report PlacesReport
	begun := false
	err := d.Do(ctx, db.Scope{}, func(tx *db.Tx) error {
		if begun { // the file has been read: it cannot be run again
			return errors.New("the import was interrupted by another; nothing was imported, try again")
		}
		begun = true
		in := &placesIn{report: &report, middles: map[string]*middle{}, given: map[string]bool{}}
		if err := in.open(counted); err != nil {
			return err
		}
		for {
			more, err := in.read()
			if err != nil {
				return err
			}
			if !more || len(in.batch.codes) == placesAtOnce {
				if err := in.write(ctx, tx); err != nil {
					return err
				}
				if progress != nil {
					progress(counted.n)
				}
			}
			if !more {
				return in.finish(ctx, tx)
			}
		}
	})
	if err == nil {
		forgetPlaces(d)
	}
	return report, err
}

// countedReader knows how far it has been read.
type countedReader struct {
	r io.Reader
	n int64
}

// Read reads on and counts.
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// placesIn is a file of places being read.
type placesIn struct {
	rows    *csv.Reader
	columns map[string]int
	batch   placeBatch
	middles map[string]*middle // of outcodes, from their postcodes
	given   map[string]bool    // outcodes the file has itself
	report  *PlacesReport
}

type placeBatch struct {
	codes, postcodes, areas []string
	lats, lons              []float64
}

func (b *placeBatch) add(p Point) {
	b.codes, b.postcodes, b.areas = append(b.codes, squash(p.Postcode)), append(b.postcodes, p.Postcode), append(b.areas, p.Area)
	b.lats, b.lons = append(b.lats, p.Lat), append(b.lons, p.Lon)
}

// middle is the sum of an outcode's postcodes, and how many are in each area.
type middle struct {
	lat, lon float64
	n        int
	areas    map[string]int
}

// open reads the header.
func (in *placesIn) open(r io.Reader) error {
	in.rows = csv.NewReader(r)
	in.rows.ReuseRecord, in.rows.FieldsPerRecord = true, -1
	header, err := in.rows.Read()
	if err != nil {
		return shortbreaks.ErrInvalid.With("The file is empty, or not a CSV.")
	}
	in.columns = map[string]int{}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		for column, names := range placeColumns {
			at, taken := in.columns[column]
			if names.MatchString(name) && (!taken || preferred(column, name, header[at])) {
				in.columns[column] = i
			}
		}
	}
	var missing []string
	for column := range placeColumns {
		if _, ok := in.columns[column]; !ok {
			missing = append(missing, column)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		return shortbreaks.ErrInvalid.With("The header has no column for " + shortbreaks.Listed(missing) + ".")
	}
	return nil
}

// preferred reports whether a column says more than one taken before: the
// postcode with its space, a name rather than a code.
func preferred(column, name, before string) bool {
	before = strings.ToLower(before)
	switch column {
	case "postcode":
		return name == "pcds"
	case "area":
		return strings.HasSuffix(name, "nm") && !strings.HasSuffix(before, "nm")
	}
	return false
}

// read takes one row in; false at the end of the file.
func (in *placesIn) read() (more bool, err error) {
	row, err := in.rows.Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	in.report.Rows++
	line := in.report.Rows + 1 // as a spreadsheet counts them
	if err != nil {
		in.fault(line, "", "This row is not CSV.")
		return true, in.enough()
	}
	cell := func(column string) string {
		if i := in.columns[column]; i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	lat, errLat := strconv.ParseFloat(cell("latitude"), 64)
	lon, errLon := strconv.ParseFloat(cell("longitude"), 64)
	if errLat == nil && lat > 99 {
		in.report.Skipped++
		return true, nil
	}
	code := squash(cell("postcode"))
	faults := len(in.report.Errors)
	if !codeShape.MatchString(code) {
		in.fault(line, "postcode", "This is not a postcode or an outcode.")
	}
	if errLat != nil || !(lat >= -90 && lat <= 90) {
		in.fault(line, "latitude", "Give degrees from -90 to 90.")
	}
	if errLon != nil || !(lon >= -180 && lon <= 180) {
		in.fault(line, "longitude", "Give degrees from -180 to 180.")
	}
	if len(in.report.Errors) > faults {
		return true, in.enough()
	}
	in.take(code, cell("area"), lat, lon)
	return true, nil
}

func (in *placesIn) fault(line int, column, words string) {
	in.report.Errors = append(in.report.Errors, ImportError{line, column, words})
}

// enough gives reading up once too much is wrong.
func (in *placesIn) enough() error {
	if len(in.report.Errors) < mostPlaceErrors {
		return nil
	}
	return shortbreaks.ErrInvalid.With("Nothing was imported: more than " + strconv.Itoa(mostPlaceErrors) + " values cannot be used.")
}

func (in *placesIn) take(code, area string, lat, lon float64) {
	in.report.Places++
	if len(code) <= 4 && !codeInFull(code) {
		in.given[code] = true
		in.batch.add(Point{code, area, lat, lon})
		return
	}
	outcode, inward := code[:len(code)-3], code[len(code)-3:]
	in.batch.add(Point{outcode + " " + inward, area, lat, lon})
	m := in.middles[outcode]
	if m == nil {
		m = &middle{areas: map[string]int{}}
		in.middles[outcode] = m
	}
	m.lat, m.lon, m.n = m.lat+lat, m.lon+lon, m.n+1
	m.areas[area]++
}

// codeInFull reports whether a code ends as a full postcode does: a digit and
// two letters.
func codeInFull(code string) bool {
	n := len(code)
	return n >= 5 && code[n-3] >= '0' && code[n-3] <= '9' && code[n-2] >= 'A' && code[n-1] >= 'A'
}

// write writes what was gathered, unless a fault has made it useless.
func (in *placesIn) write(ctx context.Context, tx *db.Tx) error {
	b := in.batch
	in.batch = placeBatch{}
	if len(in.report.Errors) > 0 || len(b.codes) == 0 {
		return nil
	}
	b = b.lastOfEach()
	if _, err := tx.PGX.Exec(ctx, sqlAddPlaces, b.codes, b.postcodes, b.areas, b.lats, b.lons); err != nil {
		return fmt.Errorf("importing places: %w", err)
	}
	return nil
}

// lastOfEach leaves out all but the last row of a code: one statement may
// write a row once.
func (b placeBatch) lastOfEach() (once placeBatch) {
	last := make(map[string]int, len(b.codes))
	for i, code := range b.codes {
		last[code] = i
	}
	for i, code := range b.codes {
		if last[code] == i {
			once.add(Point{b.postcodes[i], b.areas[i], b.lats[i], b.lons[i]})
		}
	}
	return once
}

// finish writes the middles of outcodes, or refuses the file.
func (in *placesIn) finish(ctx context.Context, tx *db.Tx) error {
	if n := len(in.report.Errors); n > 0 {
		return shortbreaks.ErrInvalid.With("Nothing was imported: " + shortbreaks.Plural(n, "value") + " cannot be used.")
	}
	for outcode, m := range in.middles {
		if in.given[outcode] {
			continue
		}
		area, most := "", 0
		for name, n := range m.areas {
			if n > most || (n == most && name < area) {
				area, most = name, n
			}
		}
		in.batch.add(Point{outcode, area, m.lat / float64(m.n), m.lon / float64(m.n)})
		in.report.Places, in.report.Outcodes = in.report.Places+1, in.report.Outcodes+1
	}
	return in.write(ctx, tx)
}
