package marketplace

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"shortbreaks/internal/db"
)

// Places beyond the table that ships are those imported (importplaces.go).
// What was looked up once is kept for a while, so that a search mostly costs
// no query for its postcode; a code that is not known is asked for again.

// mostPlacesKept bounds what a process keeps of them.
const mostPlacesKept = 20_000

type placeKey struct {
	pool *pgxpool.Pool // which database: tests have many
	code string
}

var placesKept = struct {
	sync.Mutex
	points map[placeKey]Point
}{points: map[placeKey]Point{}}

const sqlPlace = `SELECT postcode, area, latitude, longitude FROM place WHERE code = $1`

// LocateIn finds a postcode or outcode in the table that ships and in what was
// imported since.
func LocateIn(ctx context.Context, d *db.DB, postcode string) (Point, bool, error) {
	if p, known := keptPlace(d, postcode); known {
		return p, true, nil
	}
	var p Point
	var known bool
	err := d.Read(ctx, db.Scope{}, func(tx *db.Tx) (err error) {
		p, known, err = readPlace(ctx, tx, postcode)
		return err
	})
	if err == nil && known {
		keepPlace(d, p)
	}
	return p, known, err
}

// LocateStep is LocateIn within a transaction.
func LocateStep(ctx context.Context, tx *db.Tx, postcode string) (Point, bool, error) {
	if p, known := Locate(postcode); known {
		return p, true, nil
	}
	return readPlace(ctx, tx, postcode)
}

func readPlace(ctx context.Context, tx *db.Tx, postcode string) (p Point, known bool, err error) {
	err = tx.PGX.QueryRow(ctx, sqlPlace, squash(postcode)).Scan(&p.Postcode, &p.Area, &p.Lat, &p.Lon)
	if errors.Is(err, pgx.ErrNoRows) {
		return Point{}, false, nil
	}
	if err != nil {
		return Point{}, false, fmt.Errorf("looking up a postcode: %w", err)
	}
	return p, true, nil
}

func keptPlace(d *db.DB, postcode string) (Point, bool) {
	if p, known := Locate(postcode); known {
		return p, true
	}
	placesKept.Lock()
	defer placesKept.Unlock()
	p, known := placesKept.points[placeKey{d.Pool, squash(postcode)}]
	return p, known
}

func keepPlace(d *db.DB, p Point) {
	placesKept.Lock()
	defer placesKept.Unlock()
	if len(placesKept.points) >= mostPlacesKept {
		clear(placesKept.points)
	}
	placesKept.points[placeKey{d.Pool, squash(p.Postcode)}] = p
}

// forgetPlaces empties what is kept of one database.
func forgetPlaces(d *db.DB) {
	placesKept.Lock()
	defer placesKept.Unlock()
	for k := range placesKept.points {
		if k.pool == d.Pool {
			delete(placesKept.points, k)
		}
	}
}

// cube is the point as PostgreSQL's earthdistance has it.
func (p Point) cube() string {
	xyz := onEarth(p.Lat, p.Lon)
	return fmt.Sprintf("(%.9g, %.9g, %.9g)", xyz[0], xyz[1], xyz[2])
}
