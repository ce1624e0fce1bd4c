package marketplace

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// The places of postcodes. The table is made up: its codes are not in use, so
// nobody's home is in it, and it ships with the program (docs say how to put a
// real one in its place).
//
//go:embed postcodes.csv
var postcodeTable string

// Point is where a postcode is.
type Point struct {
	Postcode string // tidy: "ZZ1 1AA", or "ZZ1" for an outcode
	Area     string // the district it belongs to
	Lat, Lon float64
}

// Locate finds a full postcode, or the middle of an outcode ("ZZ1"), whatever
// its case and spaces.
func Locate(postcode string) (Point, bool) {
	p, ok := postcodes()[squash(postcode)]
	return p, ok
}

// postcodes reads the table once. Keys are codes without spaces.
var postcodes = sync.OnceValue(func() map[string]Point {
	rows, err := csv.NewReader(strings.NewReader(postcodeTable)).ReadAll()
	if err != nil {
		panic(fmt.Sprintf("marketplace: postcodes.csv: %v", err)) // impossible: embedded and tested
	}
	points, members := map[string]Point{}, map[string]int{}
	for _, row := range rows[1:] {
		p := Point{Postcode: row[0], Area: row[1], Lat: degrees(row[2]), Lon: degrees(row[3])}
		points[squash(p.Postcode)] = p
		outcode, _, _ := strings.Cut(p.Postcode, " ")
		middle := points[outcode]
		points[outcode] = Point{outcode, p.Area, middle.Lat + p.Lat, middle.Lon + p.Lon}
		members[outcode]++
	}
	for outcode, n := range members {
		sum := points[outcode]
		sum.Lat, sum.Lon = sum.Lat/float64(n), sum.Lon/float64(n)
		points[outcode] = sum
	}
	return points
})

func degrees(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(fmt.Sprintf("marketplace: postcodes.csv: %v", err)) // as above
	}
	return f
}

// squash is a code in capitals without spaces, as people type it either way.
func squash(s string) string { return strings.ToUpper(strings.Join(strings.Fields(s), "")) }
