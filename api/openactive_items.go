package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// How offers and sessions are told in OpenActive's Modelling Opportunity Data
// 2.0. These types are read by nobody here: the contract leaves what an item
// carries to that standard, and `make conformance` holds them against it.

const (
	openActive     = "https://openactive.io/"
	activityScheme = openActive + "activity-list"
	supportScheme  = openActive + "accessibility-support"
)

type ldSeries struct {
	Context     string         `json:"@context"`
	Type        string         `json:"@type"`
	ID          string         `json:"@id"`
	URL         string         `json:"url"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Activity    []ldConcept    `json:"activity"`
	Organizer   ldOrganization `json:"organizer"`
	Location    ldPlace        `json:"location"`
	AgeRange    ldRange        `json:"ageRange"`
	Gender      string         `json:"genderRestriction"`
	Free        bool           `json:"isAccessibleForFree"`
	Offers      []ldOffer      `json:"offers"`
	Schedule    []ldSchedule   `json:"eventSchedule,omitempty"`
	Supports    []ldConcept    `json:"accessibilitySupport,omitempty"`
	Access      string         `json:"accessibilityInformation,omitempty"`
	Note        string         `json:"schedulingNote,omitempty"`
}

type ldSession struct {
	Context   string `json:"@context"`
	Type      string `json:"@type"`
	ID        string `json:"@id"`
	Series    string `json:"superEvent"`
	URL       string `json:"url"`
	Start     string `json:"startDate"`
	End       string `json:"endDate"`
	Duration  string `json:"duration"`
	Status    string `json:"eventStatus"`
	Capacity  int    `json:"maximumAttendeeCapacity"`
	Remaining int    `json:"remainingAttendeeCapacity"`
}

type ldConcept struct {
	Type   string `json:"@type"`
	ID     string `json:"@id"`
	Label  string `json:"prefLabel"`
	Scheme string `json:"inScheme"`
}

type ldOrganization struct {
	Type string `json:"@type"`
	ID   string `json:"@id"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

type ldPlace struct {
	Type      string      `json:"@type"`
	ID        string      `json:"@id"`
	Name      string      `json:"name"`
	Address   *ldAddress  `json:"address,omitempty"`
	Geo       ldGeo       `json:"geo"`
	Amenities []ldAmenity `json:"amenityFeature,omitempty"`
}

type ldAddress struct {
	Type     string `json:"@type"`
	Street   string `json:"streetAddress"`
	Locality string `json:"addressLocality"`
	Region   string `json:"addressRegion"`
	Postcode string `json:"postalCode"`
	Country  string `json:"addressCountry"`
}

type ldGeo struct {
	Type string  `json:"@type"`
	Lat  float64 `json:"latitude"`
	Lon  float64 `json:"longitude"`
}

type ldAmenity struct {
	Type  string `json:"@type"`
	Name  string `json:"name"`
	Value bool   `json:"value"`
}

type ldRange struct {
	Type string `json:"@type"`
	Min  int    `json:"minValue"`
	Max  int    `json:"maxValue"`
}

type ldOffer struct {
	Type        string      `json:"@type"`
	ID          string      `json:"@id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Price       json.Number `json:"price"`
	Currency    string      `json:"priceCurrency"`
}

type ldSchedule struct {
	Type      string   `json:"@type"`
	Of        string   `json:"scheduledEventType"`
	StartDate string   `json:"startDate"`
	EndDate   string   `json:"endDate"`
	StartTime string   `json:"startTime"`
	EndTime   string   `json:"endTime"`
	Duration  string   `json:"duration"`
	Zone      string   `json:"scheduleTimezone"`
	Repeat    string   `json:"repeatFrequency"`
	Days      []string `json:"byDay,omitempty"`
	MonthDays []int    `json:"byMonthDay,omitempty"`
}

func (s *Server) seriesOut(o marketplace.OpenOffer) ldSeries {
	at, costs := s.offerAddress(o), o.Costs()
	activity, _ := o.Offer.Activity()
	out := ldSeries{
		Context: openActive, Type: "SessionSeries", ID: at, URL: at, Name: o.Offer.Title, Description: descriptionOf(o),
		Activity: []ldConcept{conceptOut(activity, activityScheme)}, AgeRange: ldRange{"QuantitativeValue", o.Offer.AgeFrom, o.Offer.AgeTo},
		Gender: openActive + "NoRestriction", Free: o.Version.PricePence == 0, Location: s.placeOut(o),
		Organizer: ldOrganization{"Organization", s.providerAddress(o.Provider), o.Provider.Name, s.providerAddress(o.Provider)},
		Supports:  nil, Access: accessWords(o),
	}
	if site := o.Provider.Website(); site != "" {
		out.Organizer.URL = site
	}
	for _, c := range o.Offer.Supports() {
		out.Supports = append(out.Supports, conceptOut(c, supportScheme))
	}
	for n, c := range costs {
		out.Offers = append(out.Offers, ldOffer{"Offer", at + "#price-" + strconv.Itoa(n+1), c.Option, c.Words, pounds(c.Pence), "GBP"})
	}
	for _, p := range o.Schedules {
		if p.Freq == "" {
			out.Note = p.Words
			continue
		}
		out.Schedule = append(out.Schedule, ldScheduleOut(p))
	}
	return out
}

func (s *Server) sessionOut(c marketplace.SessionDelta) ldSession {
	n := c.Session
	at := s.address("/v1/offers/", n.OfferID.String())
	return ldSession{
		Context: openActive, Type: string(gen.FeedItemKindScheduledSession), ID: at + "#session-" + c.ID.String(), Series: at, URL: at,
		Start: london(n.StartsAt).Format(time.RFC3339), End: london(n.EndsAt).Format(time.RFC3339), Duration: duration(n.EndsAt.Sub(n.StartsAt)),
		Status: "https://schema.org/EventScheduled", Capacity: n.Capacity, Remaining: n.PlacesLeft,
	}
}

func conceptOut(c marketplace.Concept, scheme string) ldConcept {
	return ldConcept{"Concept", c.ID, c.Label, scheme}
}

// placeOut is where it is; of a discreet place a point that is right to a few
// kilometres, and no address.
func (s *Server) placeOut(o marketplace.OpenOffer) ldPlace {
	p := o.Place
	out := ldPlace{
		Type: "Place", ID: s.providerAddress(o.Provider) + "/settings#" + p.ID.String(), Name: p.Name, Geo: ldGeo{"GeoCoordinates", p.Lat, p.Lon},
	}
	if !p.Discreet {
		street := strings.Join(p.Lines, ", ")
		if street == "" {
			street = p.Name
		}
		out.Address = &ldAddress{"PostalAddress", street, p.Area, "England", p.Postcode, "GB"}
	}
	for _, t := range o.Offer.Access() {
		out.Amenities = append(out.Amenities, ldAmenity{amenities[t.Value], t.Name, true})
		if amenities[t.Value] == "" {
			out.Amenities[len(out.Amenities)-1].Type = "LocationFeatureSpecification"
		}
	}
	return out
}

// amenities are the access features that OpenActive has a type for.
var amenities = map[string]string{"accessible_toilet": "Toilets", "parking": "Parking"}

// accessWords say needs and access for people, since OpenActive has fewer
// terms than there are.
func accessWords(o marketplace.OpenOffer) string {
	var names []string
	for _, t := range append(o.Offer.Terms(), o.Offer.Access()...) {
		if t.Taxonomy.Value == "need" || t.Taxonomy.Value == "access_feature" {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Ready for, or with: " + shortbreaks.Listed(names) + "."
}

var schemaDays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

func ldScheduleOut(p marketplace.OpenSchedule) ldSchedule {
	out := ldSchedule{
		Type: "Schedule", Of: "ScheduledSession", StartDate: p.From.Format(time.DateOnly), EndDate: p.To.Format(time.DateOnly), StartTime: p.Opens,
		EndTime: p.Closes, Duration: duration(p.Lasts()), Zone: shortbreaks.ZoneName, Repeat: fmt.Sprintf("P%dW", p.Interval),
	}
	if p.Freq == "MONTHLY" {
		out.Repeat = fmt.Sprintf("P%dM", p.Interval)
	}
	for _, d := range p.Days {
		if p.Nth != 0 {
			out.Days = append(out.Days, p.ByDay())
			continue
		}
		out.Days = append(out.Days, "https://schema.org/"+schemaDays[d-1])
	}
	if p.MonthDay > 0 {
		out.MonthDays = []int{p.MonthDay}
	}
	return out
}

// duration is a length of time in ISO 8601, in hours and minutes.
func duration(d time.Duration) string {
	hours, minutes := int(d.Hours()), int(d.Minutes())%60
	switch {
	case hours == 0:
		return fmt.Sprintf("PT%dM", minutes)
	case minutes == 0:
		return fmt.Sprintf("PT%dH", hours)
	}
	return fmt.Sprintf("PT%dH%dM", hours, minutes)
}
