package api

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
)

// How an offer is told as a service of Open Referral UK 3.0.

func (s *Server) listedServiceOut(o marketplace.OpenOffer) gen.DirectoryListedService {
	return gen.DirectoryListedService{
		ID: o.Offer.ID, Name: o.Offer.Title, Description: descriptionOf(o), URL: s.offerAddress(o), Status: gen.DirectoryListedServiceStatusActive,
		Fees: o.Fees(), MinimumAge: o.Offer.AgeFrom, MaximumAge: o.Offer.AgeTo, LastModified: o.ChangedAt.UTC(),
		Organization: gen.DirectoryListedOrganization{
			ID: o.Provider.ID, Name: o.Provider.Name, Description: organizationAbout(o.Provider), Website: optional(o.Provider.Website()),
			URI: s.providerAddress(o.Provider),
		},
	}
}

func (s *Server) serviceOut(o marketplace.OpenOffer) gen.DirectoryService {
	out := gen.DirectoryService{
		ID: o.Offer.ID, Name: o.Offer.Title, Description: descriptionOf(o), URL: s.offerAddress(o), Status: gen.DirectoryServiceStatusActive,
		Fees: o.Fees(), MinimumAge: o.Offer.AgeFrom, MaximumAge: o.Offer.AgeTo, LastModified: o.ChangedAt.UTC(),
		Organization: s.organizationOut(o), ServiceAreas: areasOut(o), Attributes: attributesOut(o),
		ServiceAtLocations: []gen.DirectoryServicePlace{{ID: o.Offer.ID, Location: locationOut(o)}},
		Contacts:           []gen.DirectoryContact{{ID: part(o.Provider.ID, "contact"), Name: o.Provider.Name, Title: optional("Provider")}},
		Languages: mapped(o.Offer.Languages, func(value string) gen.DirectoryLanguage {
			name, code := marketplace.LanguageName(value)
			return gen.DirectoryLanguage{ID: part(o.Offer.ID, "language", value), Name: name, Code: optional(code)}
		}),
		CostOptions: mapped(o.Costs(), func(c marketplace.OpenCost) gen.DirectoryCost {
			return gen.DirectoryCost{
				ID: part(o.Offer.ID, "cost", c.Option, c.From), Option: c.Option, Amount: pounds(c.Pence), AmountDescription: c.Words,
				ValidFrom: serviceDate(c.From), ValidTo: serviceDate(c.To),
			}
		}),
		Schedules: mapped(o.Schedules, func(p marketplace.OpenSchedule) gen.DirectorySchedule { return s.scheduleOut(o, p) }),
	}
	if len(o.OnFile) > 0 {
		out.Accreditations = optional("On file and valid today: " + shortbreaks.Listed(o.OnFile) + ".")
	}
	return out
}

// descriptionOf is the summary, with who may come: Open Referral has no place
// of its own for that.
func descriptionOf(o marketplace.OpenOffer) string {
	return o.Offer.Summary + "\n\n" + o.Offer.EligibilityText()
}

func organizationAbout(p marketplace.Provider) string {
	if p.Description != "" {
		return p.Description
	}
	return p.Name + " offers short breaks."
}

// registers are the schemes of org-id.guide for our registers, and what people
// call the numbers.
var registers = map[string]struct {
	scheme gen.DirectoryIdentifierIdentifierScheme
	name   string
}{
	"company": {gen.DirectoryIdentifierIdentifierSchemeGBCOH, "Company number"},
	"charity": {gen.DirectoryIdentifierIdentifierSchemeGBCHC, "Charity number"},
	"ofsted":  {"", "Ofsted unique reference number"},
	"cqc":     {"", "Care Quality Commission location"},
}

func (s *Server) organizationOut(o marketplace.OpenOffer) gen.DirectoryOrganization {
	p := o.Provider
	return gen.DirectoryOrganization{
		ID: p.ID, Name: p.Name, Description: organizationAbout(p), Website: optional(p.Website()), URI: s.providerAddress(p),
		OrganizationIdentifiers: mapped(o.Numbers, func(n marketplace.Identifier) gen.DirectoryIdentifier {
			r := registers[n.Scheme]
			return gen.DirectoryIdentifier{
				ID: part(p.ID, "identifier", n.Scheme), IdentifierScheme: optional(r.scheme), IdentifierType: r.name, Identifier: n.Value,
			}
		}),
	}
}

// areasOut is where support by the hour comes to; a group is where it is.
func areasOut(o marketplace.OpenOffer) []gen.DirectoryServiceArea {
	if o.Offer.Visits == nil {
		return []gen.DirectoryServiceArea{}
	}
	return []gen.DirectoryServiceArea{{ID: part(o.Offer.ID, "area"), Name: o.Place.Area}}
}

func attributesOut(o marketplace.OpenOffer) []gen.DirectoryAttribute {
	return mapped(o.Offer.Terms(), func(t marketplace.OpenTerm) gen.DirectoryAttribute {
		kind := gen.DirectoryAttributeLinkTypeEligibility
		if t.Taxonomy.Value == "category" {
			kind = gen.DirectoryAttributeLinkTypeServiceType
		}
		return gen.DirectoryAttribute{ID: part(o.Offer.ID, "attribute", t.ID.String()), LinkID: o.Offer.ID, LinkType: kind, TaxonomyTerm: termOut(t)}
	})
}

func (s *Server) listedPlaceOut(o marketplace.OpenOffer) gen.DirectoryListedPlace {
	l := locationOut(o)
	return gen.DirectoryListedPlace{
		ID: o.Offer.ID, Service: s.listedServiceOut(o), Location: gen.DirectoryListedLocation{
			ID: l.ID, LocationType: gen.DirectoryListedLocationLocationTypePhysical, Name: l.Name, Latitude: l.Latitude, Longitude: l.Longitude,
		},
	}
}

func locationOut(o marketplace.OpenOffer) gen.DirectoryLocation {
	p := o.Place
	out := gen.DirectoryLocation{ID: p.ID, LocationType: gen.DirectoryLocationLocationTypePhysical, Name: p.Name}
	street := strings.Join(p.Lines, ", ")
	if street == "" {
		street = p.Name
	}
	if !p.Discreet {
		out.Latitude, out.Longitude = &p.Lat, &p.Lon
	}
	out.Addresses = []gen.DirectoryAddress{{
		ID: part(p.ID, "address"), Address1: street, City: p.Area, StateProvince: "England", PostalCode: p.Postcode, Country: gen.DirectoryAddressCountryGB,
		AddressType: gen.DirectoryAddressAddressTypePhysical,
	}}
	out.Accessibility = mapped(o.Offer.Access(), func(t marketplace.OpenTerm) gen.DirectoryAccess {
		return gen.DirectoryAccess{ID: part(p.ID, "access", o.Offer.ID.String(), t.Value), Accessibility: t.Name, Description: optional(t.About)}
	})
	if p.Features != "" {
		out.Accessibility = append(out.Accessibility, gen.DirectoryAccess{ID: part(p.ID, "access"), Accessibility: p.Features})
	}
	return out
}

// scheduleOut is a rule as iCalendar says it. Every schedule of dates points to
// the offer's calendar; one without a rule has nothing else.
func (s *Server) scheduleOut(o marketplace.OpenOffer, p marketplace.OpenSchedule) gen.DirectorySchedule {
	out := gen.DirectorySchedule{
		ID:        part(o.Offer.ID, "schedule", p.From.Format(time.DateOnly), p.Opens, p.Closes, p.Offset),
		ValidFrom: day(p.From), ValidTo: day(p.To), Description: p.Words,
	}
	if !p.AnyTime {
		out.ScheduleLink = optional(s.offerAddress(o) + "/calendar.ics")
	}
	if p.Freq == "" {
		return out
	}
	out.Freq, out.Interval, out.Byday = optional(gen.DirectoryScheduleFreq(p.Freq)), optional(p.Interval), optional(p.ByDay())
	out.Dtstart = &types.Date{Time: p.From}
	out.OpensAt, out.ClosesAt = optional(p.Opens+p.Offset), optional(p.Closes+p.Offset)
	if p.MonthDay > 0 {
		out.Bymonthday = optional(strconv.Itoa(p.MonthDay))
	}
	return out
}

// pounds writes an amount as the standards want it, exactly.
func pounds(p shortbreaks.Pence) json.Number {
	return json.Number(fmt.Sprintf("%d.%02d", int64(p)/100, int64(p)%100))
}

// serviceDate is a date of a tariff, which has been checked.
func serviceDate(text string) *types.Date {
	on, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil
	}
	return &types.Date{Time: on}
}
