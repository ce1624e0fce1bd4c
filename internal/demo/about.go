package demo

import (
	"context"
	"time"

	"shortbreaks/marketplace"
)

// endsSoon is when one provider's insurance ends, counted from the first day
// of the demo's world: 25 days from the day it is shown, so that its people
// have been warned and dates after that cannot be booked.
const endsSoon = int(begun/(24*time.Hour)) + 25

// filings are the files of the demo's providers that are not like the others.
var filings = map[string]Filing{
	"wellwater": {Ends: map[string]int{"insurance_public_liability": endsSoon}},
	"hannah":    {Workers: []marketplace.WorkerFacts{{Name: "Hannah Price", Skills: []string{"epilepsy care", "driving"}, Languages: []string{"English"}}}},
	"tunein": {Workers: []marketplace.WorkerFacts{
		{Name: "Grace Tune", Skills: []string{"music therapy"}, Languages: []string{"English", "BSL"}}, {Name: "Leo Tune", Languages: []string{"English"}},
	}},
}

// abouts is what each provider of the demo says of itself. Names and numbers
// are made up; the numbers have the form of their registers and are nobody's.
var abouts = map[string]marketplace.ProviderDraft{
	"bridgeway":      {Kind: "company", CompanyNumber: "00000001", CQCLocation: "1-1000000001", Description: "A registered agency for support and personal care at home."},
	"opendoor":       {Kind: "charity", CharityNumber: "1000001", OfstedURN: "EY100001", Description: "Sitting and nursery care, so that parents can go out.", Languages: []string{"English", "Urdu"}},
	"stars":          {Kind: "charity", CharityNumber: "1000002", OfstedURN: "EY100002", Description: "Saturday clubs for disabled children and their friends.", Languages: []string{"English", "BSL"}, WebAddress: "https://ashmerestars.example"},
	"kingfisher":     {Kind: "charity", CharityNumber: "1000003", Description: "Youth clubs where young people choose what happens."},
	"lakeside":       {Kind: "company", CompanyNumber: "00000002", Description: "A pool with a hoist and a changing place."},
	"wellwater":      {Kind: "charity", CharityNumber: "1000004", Description: "Warm water for children and families."},
	"brightdays":     {Kind: "consortium", Description: "Three small clubs that run holiday schemes together.", Members: []marketplace.MemberDraft{{Name: "Mill Lane Play", CharityNumber: "1000005"}, {Name: "Friends of Ashmere Park"}, {Name: "Out and About CIC", CompanyNumber: "00000003"}}, OfstedURN: "EY100003"},
	"millbrook":      {Kind: "company", CompanyNumber: "00000004", OfstedURN: "EY100004", Description: "Before and after school, at the school."},
	"tunein":         {Kind: "sole_trader", Description: "Music therapy by a registered therapist.", Languages: []string{"English", "BSL"}},
	"horizons":       {Kind: "charity", CharityNumber: "1000006", Description: "Days out of doors and big days out."},
	"hannah":         {Kind: "sole_trader", Description: "One personal assistant, at your home."},
	"brackenvale-sb": {Kind: "council_in_house", OfstedURN: "SC100005", CQCLocation: "1-1000000002", Description: "Brackenvale Council's own short breaks."},
}

// describe lets a provider say who it is, as its owner would.
func (w *world) describe(ctx context.Context, made *House, h house) error {
	about := abouts[h.slug]
	about.Name, about.StaffCount = h.name, h.staff
	if about.Languages == nil {
		about.Languages = []string{"English"}
	}
	_, err := marketplace.UpdateProvider(ctx, w.D, made.Owner, made.ID, about)
	return err
}
