package marketplace

import (
	"context"
	"fmt"
	"strings"
	"time"

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
	events := make([]CalendarEvent, len(f.sessions))
	for i, s := range f.sessions {
		events[i] = f.event(s)
	}
	return CalendarFile("Offers", f.offer.Title, events)
}

// event is a session as an entry; looking at an offer makes nobody busy.
func (f feed) event(s Session) CalendarEvent {
	e := CalendarEvent{
		UID: s.ID.String(), From: s.StartsAt, To: s.EndsAt, Changed: f.stamp(s), Sequence: s.Sequence, Status: CalendarConfirmed,
		Summary: f.offer.Title, Place: f.place.Name + ", " + f.place.Postcode,
	}
	about := []string{f.offer.Summary, f.provider.Name, tariff.PriceText(f.version.PricePence, f.version.PriceUnit)}
	if s.State != "scheduled" {
		e.Status = CalendarCancelled
		about = append([]string{"Called off."}, about...)
	}
	if s.Reason != nil {
		about = append([]string{*s.Reason}, about...)
	}
	e.About = strings.Join(about, "\n")
	return e
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
