package marketplace

import (
	"strings"

	"shortbreaks"
)

// A setting is discreet if its provider works alone, and may work from home,
// or if children are cared for there in somebody's home or sleep there. The
// schema works that out (00018_discreet_and_free.sql). Its address is for its
// provider, and for those who have booked. What everybody else is told of a
// setting is told by Public alone: lists, maps, distances, open data and the
// circles searched in. Were one of them exact, asking often would find the
// house.

// coarse is the grid to whose squares' middles a discreet setting's point is
// moved, in parts of a degree: about 5 km from north to south and 3 km from
// west to east.
const coarse = 20

func coarsely(degrees float64) float64 { return (float64(below(degrees*coarse)) + 0.5) / coarse }

// Public is the setting as everybody may know it: of a discreet one the
// district, the first half of the postcode, and a point that is right to a few
// kilometres.
func (s Setting) Public() Setting {
	if !s.Discreet {
		return s
	}
	outcode, _, _ := strings.Cut(s.Postcode, " ")
	return Setting{
		ProviderID: s.ProviderID, ID: s.ID, Discreet: true, Name: "Near " + outcode + ", " + s.Area, Postcode: outcode, Area: s.Area,
		Latitude: coarsely(s.Latitude), Longitude: coarsely(s.Longitude),
	}
}

// shownTo is the setting as somebody may know it: whole for its provider's own.
func (s Setting) shownTo(who shortbreaks.Actor) Setting {
	if who.ForProvider(s.ProviderID) {
		return s
	}
	return s.Public()
}

// open is the setting as open data has it.
func (s Setting) open() OpenPlace {
	p := s.Public()
	return OpenPlace{
		ID: p.ID, Discreet: p.Discreet, Name: p.Name, Lines: p.AddressLines, Area: p.Area, Postcode: p.Postcode, Lat: p.Latitude, Lon: p.Longitude,
		Features: p.AccessFeatures,
	}
}
