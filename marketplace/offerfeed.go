package marketplace

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
	"github.com/google/uuid"
	"gorm.io/gorm"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/marketplace/tariff"
)

// What a feed shows: what has been for a month, so that a calendar that is
// read seldom still learns what was called off, and what is to come.
const (
	feedBack = 31 * 24 * time.Hour
	maxFed   = 1000
)

// icalStamp writes an instant in UTC, icalWall a wall time.
const (
	icalStamp = "20060102T150405Z"
	icalWall  = "20060102T150405"
)

// OfferFeed is an offer's sessions as iCalendar (RFC 5545), for anyone to
// subscribe to. A session keeps its UID for good; one that was moved has a
// higher SEQUENCE, and one called off stays with STATUS:CANCELLED. It is about
// the offer alone: no child, no booking, no number of places.
func OfferFeed(ctx context.Context, d *db.DB, who shortbreaks.Actor, id uuid.UUID) (text string, err error) {
	err = d.Read(ctx, db.For(who), func(tx *db.Tx) error {
		offer, err := findOffer(ctx, tx, id)
		if err != nil {
			return err
		}
		f := feed{offer: offer}
		f.version, err = gorm.G[Version](tx.DB).Where("provider_id = ? AND id = ?", offer.ProviderID, offer.VersionID).First(ctx)
		if err == nil {
			f.provider, err = gorm.G[Provider](tx.DB).Where("id = ?", offer.ProviderID).First(ctx)
		}
		if err == nil {
			f.setting, err = gorm.G[Setting](tx.DB).Where("provider_id = ? AND id = ?", offer.ProviderID, offer.SettingID).First(ctx)
		}
		if err == nil {
			f.place = f.setting.open()
		}
		if err == nil {
			f.sessions, err = gorm.G[Session](tx.DB).Where("provider_id = ? AND offer_id = ? AND ends_at > ?", offer.ProviderID, offer.ID, tx.Now.Add(-feedBack)).
				Order("starts_at, id").Limit(maxFed).Find(ctx)
		}
		if err != nil {
			return fmt.Errorf("reading the calendar of offer %s: %w", id, err)
		}
		text = f.String()
		return nil
	})
	return text, err
}

// feed is what a calendar of an offer is written from.
type feed struct {
	offer    Offer
	version  Version
	provider Provider
	setting  Setting
	place    OpenPlace // the setting as everybody may know it
	sessions []Session
}

// String is the calendar. The same sessions give the same bytes.
func (f feed) String() string {
	cal := ics.NewCalendarFor("shortbreaks")
	cal.SetProductId("-//Short Breaks//Offers//EN")
	cal.SetCalscale("GREGORIAN")
	cal.SetMethod(ics.MethodPublish)
	cal.SetXWRCalName(plain(f.offer.Title))
	cal.SetRefreshInterval("PT1H", ics.WithValue("DURATION"))
	addLondon(cal)
	for _, s := range f.sessions {
		f.add(cal.AddEvent(s.ID.String()+"@shortbreaks"), s)
	}
	return cal.Serialize(ics.WithNewLine("\r\n"))
}

func (f feed) add(e *ics.VEvent, s Session) {
	london := ics.WithTZID(shortbreaks.ZoneName)
	e.SetProperty(ics.ComponentPropertyDtstamp, f.stamp(s).UTC().Format(icalStamp))
	e.SetProperty(ics.ComponentPropertyDtStart, s.StartsAt.In(shortbreaks.London).Format(icalWall), london)
	e.SetProperty(ics.ComponentPropertyDtEnd, s.EndsAt.In(shortbreaks.London).Format(icalWall), london)
	e.SetSequence(s.Sequence)
	e.SetStatus(ics.ObjectStatusConfirmed)
	e.SetTimeTransparency(ics.TransparencyTransparent) // looking at an offer makes nobody busy
	e.SetSummary(plain(f.offer.Title))
	e.SetLocation(plain(f.place.Name + ", " + f.place.Postcode))
	about := []string{f.offer.Summary, f.provider.Name, tariff.PriceText(f.version.PricePence, f.version.PriceUnit)}
	if s.State != "scheduled" {
		e.SetStatus(ics.ObjectStatusCancelled)
		about = append([]string{"Called off."}, about...)
	}
	if s.Reason != nil {
		about = append([]string{*s.Reason}, about...)
	}
	e.SetDescription(plain(strings.Join(about, "\n")))
}

// stamp is when the session became what it is.
func (f feed) stamp(s Session) time.Time {
	switch {
	case s.ChangedAt != nil:
		return *s.ChangedAt
	case f.offer.PublishedAt != nil:
		return *f.offer.PublishedAt
	}
	return f.offer.CreatedAt
}

// plain is a text without signs that would end a line of the file; the library
// writes line feeds as the standard wants them.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return ' '
		}
		return r
	}, text)
}

// addLondon says how London's clocks run: forward on the last Sunday of March,
// back on that of October, both at 1:00 UTC.
func addLondon(cal *ics.Calendar) {
	zone := cal.AddTimezone(shortbreaks.ZoneName)
	summer := ics.Daylight{}
	summer.SetProperty(ics.ComponentPropertyDtStart, "19810329T010000")
	summer.AddRrule("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU")
	summer.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0000")
	summer.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0100")
	summer.SetProperty(ics.ComponentProperty(ics.PropertyTzname), "BST")
	winter := zone.AddStandard()
	winter.SetProperty(ics.ComponentPropertyDtStart, "19961027T020000")
	winter.AddRrule("FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")
	winter.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetfrom), "+0100")
	winter.SetProperty(ics.ComponentProperty(ics.PropertyTzoffsetto), "+0000")
	winter.SetProperty(ics.ComponentProperty(ics.PropertyTzname), "GMT")
	zone.Components = append(zone.Components, &summer)
}
