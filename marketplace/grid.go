package marketplace

import "math"

// Where offers are is kept twice: as a point, for distances, and as a square
// of a grid, which PostgreSQL counts how many offers are in. A square is a
// tenth of a degree of latitude (11 km) and nearly as wide over England.
const (
	earthRadius  = 6378168.0 // metres, as earthdistance has it
	cellsPerLat  = 10.0
	cellsPerLon  = 6.0
	cellRow      = 10_000 // more than there are squares around the earth
	mostCells    = 200    // from here on a circle is most of the country: squares no longer narrow it
	kmPerLatCell = 111.2 / cellsPerLat
)

func cellOf(lat, lon float64) int32 {
	return below(lat*cellsPerLat)*cellRow + below(lon*cellsPerLon)
}

// below is the whole number at or below a number.
func below(x float64) int32 {
	n := int32(x)
	if float64(n) > x {
		n--
	}
	return n
}

// cellsAround are the squares that a circle may touch; nil if they are too
// many to be worth naming.
func cellsAround(p Point, km int) []int32 {
	rows := float64(km)/kmPerLatCell/cellsPerLat + 0.001 // degrees of latitude, and a little for rounding
	columns := rows / math.Cos(math.Min(math.Abs(p.Lat)+rows, 89)*math.Pi/180)
	south, north := below((p.Lat-rows)*cellsPerLat), below((p.Lat+rows)*cellsPerLat)
	west, east := below((p.Lon-columns)*cellsPerLon), below((p.Lon+columns)*cellsPerLon)
	if (north-south+1)*(east-west+1) > mostCells {
		return nil
	}
	var cells []int32
	for y := south; y <= north; y++ {
		for x := west; x <= east; x++ {
			cells = append(cells, y*cellRow+x)
		}
	}
	return cells
}

// chordOf is the straight line through the earth, in metres, between two
// places so many kilometres apart on it; kmOfChord is the way back. Points are
// compared by chord, which needs no trigonometry for each row.
func chordOf(km float64) float64 { return 2 * earthRadius * math.Sin(km*1000/2/earthRadius) }

func kmOfChord(metres float64) float64 {
	return 2 * earthRadius * math.Asin(math.Min(1, metres/2/earthRadius)) / 1000
}

// tenths of a kilometre are as much as a straight line can say.
func tenths(km float64) float64 { return float64(int64(km*10+0.5)) / 10 }

// distanceKM is how far two places are apart.
func distanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	a, b := onEarth(lat1, lon1), onEarth(lat2, lon2)
	return kmOfChord(math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2])))
}

// onEarth is a place in metres from the earth's middle, as ll_to_earth has it.
func onEarth(lat, lon float64) [3]float64 {
	lat, lon = lat*math.Pi/180, lon*math.Pi/180
	return [3]float64{
		earthRadius * math.Cos(lat) * math.Cos(lon), earthRadius * math.Cos(lat) * math.Sin(lon), earthRadius * math.Sin(lat),
	}
}
