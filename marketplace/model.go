package marketplace

import (
	"time"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/marketplace/tariff"
)

// Provider is whoever offers support.
type Provider struct {
	ID         uuid.UUID `gorm:"primaryKey"`
	Name       string
	StaffCount int // below three, components of a price may be merged (R136)
	CreatedAt  time.Time

	Kind        string // one of ProviderKinds
	Description string
	WebAddress  string
	Languages   []string `gorm:"serializer:json"` // as people name them: "English", "BSL"
}

// TableName is the table's.
func (Provider) TableName() string { return "provider" }

// Setting is a place where support is given.
type Setting struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	Name       string
	Postcode   string
	Area       string // the district demand is counted by
	Latitude   float64
	Longitude  float64

	AddressLines   []string `gorm:"serializer:json"`
	AccessFeatures string   // hoist, changing place, quiet room, in words

	// Discreet is worked out by the schema, see discreetplace.go.
	Discreet bool `gorm:"->"`
}

// TableName is the table's.
func (Setting) TableName() string { return "setting" }

// AccessRoutes are how one comes to use an offer, in the contract's order.
var AccessRoutes = []string{"universal", "targeted", "specialist"}

// OfferState is where an offer stands.
type OfferState string

// The states of an offer: a draft is its provider's alone, a published one can
// be booked, a paused one keeps its bookings and takes no new ones, a withdrawn
// one can still be read.
const (
	Draft     OfferState = "draft"
	Published OfferState = "published"
	Paused    OfferState = "paused"
	Withdrawn OfferState = "withdrawn"
)

// Offer is a priced thing that can be booked. What it costs is its version's.
type Offer struct {
	ProviderID    uuid.UUID `gorm:"primaryKey"`
	ID            uuid.UUID `gorm:"primaryKey"`
	SettingID     uuid.UUID
	State         OfferState
	VersionID     uuid.UUID // what is sold now
	Title         string
	Summary       string
	Category      string // one of OfferCategories
	AccessRoute   string // one of AccessRoutes
	AgeFrom       int    // whole years on the date of the item, T43
	AgeTo         int
	RatioStaff    int
	RatioChildren int
	Instant       bool        // true: confirmed at once; false: the provider accepts
	Visits        *VisitRules `gorm:"serializer:json"` // support by the hour; nil for an offer with sessions
	NoticeMinutes int         // before the start; see CanBook
	HorizonDays   *int        // ahead of today; nil: as far as there is anything
	CreatedAt     time.Time
	PublishedAt   *time.Time
	Content
	Companions  map[string]int `gorm:"serializer:json"` // by kind: places each takes; a kind not in it may not come (T96)
	Edition     int            // grows with every edit
	NextPriceOn *time.Time     // when the version on sale changes its price by itself; nil: never
}

// TableName is the table's.
func (Offer) TableName() string { return "offer" }

// Version is what an offer costs and on which terms. It never changes: a new
// price is a new version, and a booking keeps its own (T14).
type Version struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	OfferID    uuid.UUID
	N          int
	Tariff     tariff.Tariff     `gorm:"serializer:json"`
	Terms      tariff.Terms      `gorm:"serializer:json"`
	PricePence shortbreaks.Pence // headline, see Tariff.Headline
	PriceUnit  string
	CreatedAt  time.Time
	CreatedBy  uuid.UUID
	ChangeNote string // why it was made, in the provider's words; "" if none were given
}

// TableName is the table's.
func (Version) TableName() string { return "offer_version" }

// Component is one part of what a price is made of, as it stands beside its
// version.
type Component struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	VersionID   uuid.UUID `gorm:"primaryKey"`
	N           int       `gorm:"primaryKey;autoIncrement:false"`
	OptionN     int       // of the tariff, from 1
	ChargeN     int       // of the option, from 1
	Kind        string
	AmountPence shortbreaks.Pence // only a subsidy may be negative
	Note        string
}

// TableName is the table's.
func (Component) TableName() string { return "price_component" }

// Term is a bundle of sessions sold as one: a week, half term, term or quarter.
type Term struct {
	ProviderID      uuid.UUID `gorm:"primaryKey"`
	ID              uuid.UUID `gorm:"primaryKey"`
	OfferID         uuid.UUID
	Name            string
	Unit            string
	StartsOn        time.Time // dates, midnight UTC
	EndsOn          time.Time
	PlannedSessions int // dates the price was set for, run or not
	Capacity        *int
}

// TableName is the table's.
func (Term) TableName() string { return "term" }

// Session is one dated occurrence of an offer.
type Session struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	OfferID    uuid.UUID
	TermID     *uuid.UUID
	StartsAt   time.Time
	EndsAt     time.Time
	LocalStart string // wall time as agreed, "2027-01-09T10:00"
	TimeZone   string
	State      string // scheduled or cancelled

	Sequence     int     // how often it was changed
	PlannedStart *string // wall time first planned; nil if it never moved (T37)
	ChangedAt    *time.Time
	Reason       *string // why it was moved or called off, in words for families

	MinimumPlaces *int       // it runs only if so many places are taken; nil: it runs anyway
	DecideAt      *time.Time // when that is decided
	ConfirmEarly  bool       // as soon as so many are taken, not only then
	DecidedAt     *time.Time // nil: not yet
}

// TableName is the table's.
func (Session) TableName() string { return "session" }

// Counter is the row behind Places; the desk moves it with SQL (places.go),
// this type only makes it.
type Counter struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	SessionID  uuid.UUID `gorm:"primaryKey"`
	Capacity   int
	Taken      int
	StaffUnits int // 0: not limited by staff (T51)
	StaffTaken int
	Waiting    int   `gorm:"->"` // families in line; a trigger counts them
	LineFreed  int64 `gorm:"->"` // how often places came free meanwhile
	LineMoved  int64 `gorm:"->"` // the last of these the line was asked about
	Seq        int64
}

// TableName is the table's.
func (Counter) TableName() string { return "session_places" }

// Lane is one worker, or one of several who may stand in for each other. It
// serves one visit at a time.
type Lane struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	ID         uuid.UUID `gorm:"primaryKey"`
	Label      string
	WorkerID   *uuid.UUID // who it is; the name stays with the provider
}

// TableName is the table's.
func (Lane) TableName() string { return "lane" }

// OfferLane says that a lane serves an offer.
type OfferLane struct {
	ProviderID uuid.UUID `gorm:"primaryKey"`
	OfferID    uuid.UUID `gorm:"primaryKey"`
	LaneID     uuid.UUID `gorm:"primaryKey"`
}

// TableName is the table's.
func (OfferLane) TableName() string { return "offer_lane" }

// Worker is a person who gives support; only the provider sees it.
type Worker struct {
	ProviderID  uuid.UUID `gorm:"primaryKey"`
	ID          uuid.UUID `gorm:"primaryKey"`
	DisplayName string
	PersonID    *uuid.UUID // if the worker signs in
	Skills      []string   `gorm:"serializer:json"`
	Languages   []string   `gorm:"serializer:json"`
	LeftOn      *time.Time // the last day; nil: still here
}

// TableName is the table's.
func (Worker) TableName() string { return "worker" }
