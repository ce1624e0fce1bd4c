package api

import (
	"context"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/marketplace/tariff"
)

// CreateOffer writes an offer down as a draft of its provider.
func (s *Server) CreateOffer(ctx context.Context, r gen.CreateOfferRequestObject) (gen.CreateOfferResponseObject, error) {
	o, err := marketplace.CreateOffer(ctx, s.DB, who(ctx), draftOf(r.Body))
	if err != nil {
		return nil, err
	}
	location := "/v1/offers/" + o.Offer.ID.String()
	return gen.CreateOffer201JSONResponse{Body: offerOut(o), Headers: gen.CreateOffer201ResponseHeaders{Location: &location}}, nil
}

// PublishOffer makes a draft bookable.
func (s *Server) PublishOffer(ctx context.Context, r gen.PublishOfferRequestObject) (gen.PublishOfferResponseObject, error) {
	o, err := marketplace.PublishOffer(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return gen.PublishOffer200JSONResponse(offerOut(o)), nil
}

func draftOf(b *gen.OfferDraft) marketplace.OfferDraft {
	d := marketplace.OfferDraft{
		ProviderID: b.ProviderID, SettingID: b.SettingID, Title: b.Title, Summary: b.Summary, Category: string(b.Category),
		AccessRoute: string(b.AccessRoute), AgeFrom: b.AgeFrom, AgeTo: b.AgeTo, RatioStaff: b.Ratio.Staff, RatioChildren: b.Ratio.Children,
		Instant: b.Instant, Content: contentOf(given(b.Content)), Tariff: tariff.Tariff{Options: mapped(b.Tariff.Options, optionOf)},
		Terms: tariff.Terms{FreeUntilHours: b.CancellationTerms.FreeUntilHours, LateFeePercent: b.CancellationTerms.LateFeePercent},
	}
	if b.Setting != nil {
		d.Setting = &marketplace.SettingDraft{Name: b.Setting.Name, Postcode: b.Setting.Postcode}
	}
	if v := b.Visits; v != nil {
		d.Visits = &marketplace.VisitRules{
			Days: v.Days, From: v.From, To: v.To, MinimumMinutes: v.MinimumMinutes, MaximumMinutes: v.MaximumMinutes, StepMinutes: v.StepMinutes,
			BufferBeforeMinutes: v.BufferBeforeMinutes, BufferAfterMinutes: v.BufferAfterMinutes,
			Lanes: mapped(v.Lanes, func(l gen.LaneDraft) marketplace.LaneDraft { return marketplace.LaneDraft{Label: l.Label} }),
		}
	}
	if se := b.Sessions; se != nil {
		d.Sessions = &marketplace.SessionSeries{
			FirstDate: se.FirstDate.Time, LastDate: se.LastDate.Time, Weekdays: se.Weekdays, From: se.From, To: se.To,
			Except: mapped(se.Except, dateOf), Capacity: se.Capacity,
		}
		if bu := se.Bundle; bu != nil {
			d.Sessions.Bundle = &marketplace.BundleDraft{Name: bu.Name, Unit: string(bu.Unit), Capacity: bu.Capacity}
		}
	}
	return d
}

func optionOf(o gen.PriceOption) tariff.Option {
	return tariff.Option{
		Name: o.Name, WhoMayUse: string(o.WhoMayUse), ValidFrom: dateText(dayOrNone(o.ValidFrom)), ValidTo: dateText(dayOrNone(o.ValidTo)),
		PaymentTiming: string(o.PaymentTiming), BilledOn: string(o.BilledOn), Charges: mapped(o.Charges, chargeOf),
	}
}

// dateText and dateOfText: a tariff keeps dates as text, since it is stored as
// it was written.
func dateText(d *time.Time) string {
	if d == nil {
		return ""
	}
	return d.Format(time.DateOnly)
}

func dateOfText(text string) *types.Date {
	on, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return nil
	}
	return &types.Date{Time: on}
}

func chargeOf(c gen.Charge) tariff.Charge {
	return tariff.Charge{
		Kind: string(c.Kind), Basis: string(c.Basis), Unit: string(c.Unit), When: string(c.When), Optional: given(c.Optional),
		AmountPence: shortbreaks.Pence(c.AmountPence), MinimumMinutes: given(c.MinimumMinutes), StepMinutes: given(c.StepMinutes),
		StepMode: string(given(c.StepMode)), CapPence: (*shortbreaks.Pence)(c.CapPence), IncludesMinutesWithChild: given(c.IncludesMinutesWithChild),
		VAT: string(c.Vat), VATReason: given(c.VatReason),
		Components: mapped(c.Components, func(p gen.PriceComponent) tariff.Component {
			return tariff.Component{Kind: string(p.Kind), AmountPence: shortbreaks.Pence(p.AmountPence), Note: given(p.Note)}
		}),
	}
}

func tariffOut(t tariff.Tariff) gen.Tariff {
	return gen.Tariff{Options: mapped(t.Options, optionOut)}
}

func optionOut(o tariff.Option) gen.PriceOption {
	return gen.PriceOption{
		Name: o.Name, WhoMayUse: gen.WhoMayUse(o.WhoMayUse), ValidFrom: dateOfText(o.ValidFrom), ValidTo: dateOfText(o.ValidTo),
		PaymentTiming: gen.PaymentTiming(o.PaymentTiming), BilledOn: gen.BilledOn(o.BilledOn), Charges: mapped(o.Charges, tariffChargeOut),
	}
}

func tariffChargeOut(c tariff.Charge) gen.Charge {
	return gen.Charge{
		Kind: gen.ChargeKind(c.Kind), Basis: gen.ChargeBasis(c.Basis), Unit: gen.PriceUnit(c.Unit), When: gen.ChargeWhen(c.When),
		Optional: optional(c.Optional), AmountPence: int64(c.AmountPence), MinimumMinutes: optional(c.MinimumMinutes),
		StepMinutes: optional(c.StepMinutes), StepMode: optional(gen.StepMode(c.StepMode)), CapPence: pence64(c.CapPence),
		IncludesMinutesWithChild: optional(c.IncludesMinutesWithChild), Vat: gen.VAT(c.VAT), VatReason: optional(c.VATReason),
		Components: mapped(c.Components, func(p tariff.Component) gen.PriceComponent {
			return gen.PriceComponent{Kind: gen.ComponentKind(p.Kind), AmountPence: int64(p.AmountPence), Note: optional(p.Note)}
		}),
	}
}
