package api

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/marketplace"
	"shortbreaks/people"
)

const (
	providersList = "providers"
	settingsList  = "settings"
	workersList   = "workers"
	staffList     = "staff"
)

// pageEnd is the id a page ended with if another follows, else "".
func pageEnd[T any](list []T, more bool, id func(T) uuid.UUID) string {
	if !more {
		return ""
	}
	return id(list[len(list)-1]).String()
}

// ListProviders lists providers in the order they registered.
func (s *Server) ListProviders(ctx context.Context, r gen.ListProvidersRequestObject) (gen.ListProvidersResponseObject, error) {
	after, err := lastID(providersList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	q := marketplace.ProviderQuery{Kind: string(given(r.Params.Kind)), After: after, Limit: limitOf(r.Params.Limit)}
	list, more, err := marketplace.ListProviders(ctx, s.DB, q)
	if err != nil {
		return nil, err
	}
	last := pageEnd(list, more, func(p marketplace.ProviderDetail) uuid.UUID { return p.Provider.ID })
	cursor, link := nextPage(ctx, providersList, last)
	return gen.ListProviders200JSONResponse{
		Body:    gen.ProviderList{Items: mapped(list, providerOut), NextCursor: cursor},
		Headers: gen.ListProviders200ResponseHeaders{Link: link},
	}, nil
}

// CreateProvider registers a provider; whoever does becomes its owner.
func (s *Server) CreateProvider(ctx context.Context, r gen.CreateProviderRequestObject) (gen.CreateProviderResponseObject, error) {
	p, err := marketplace.RegisterProvider(ctx, s.DB, who(ctx), providerOf(r.Body), people.BecomeOwner)
	if err != nil {
		return nil, err
	}
	at := "/v1/providers/" + p.Provider.ID.String()
	return gen.CreateProvider201JSONResponse{Body: providerOut(*p), Headers: gen.CreateProvider201ResponseHeaders{Location: &at}}, nil
}

// GetProvider reads what is public of a provider.
func (s *Server) GetProvider(ctx context.Context, r gen.GetProviderRequestObject) (gen.GetProviderResponseObject, error) {
	p, err := marketplace.GetProvider(ctx, s.DB, r.ProviderID)
	if err != nil {
		return nil, err
	}
	return gen.GetProvider200JSONResponse(providerOut(*p)), nil
}

// UpdateProvider replaces what a provider says of itself.
func (s *Server) UpdateProvider(ctx context.Context, r gen.UpdateProviderRequestObject) (gen.UpdateProviderResponseObject, error) {
	p, err := marketplace.UpdateProvider(ctx, s.DB, who(ctx), r.ProviderID, providerOf(r.Body))
	if err != nil {
		return nil, err
	}
	return gen.UpdateProvider200JSONResponse(providerOut(*p)), nil
}

// ConfirmIdentifier records that an authority looked a number up.
func (s *Server) ConfirmIdentifier(ctx context.Context, r gen.ConfirmIdentifierRequestObject) (gen.ConfirmIdentifierResponseObject, error) {
	p, err := marketplace.ConfirmIdentifier(ctx, s.DB, who(ctx), marketplace.IdentifierCheck{
		Provider: r.ProviderID, Authority: r.Body.AuthorityID, Scheme: string(r.Body.Scheme), Value: r.Body.Value,
	})
	if err != nil {
		return nil, err
	}
	return gen.ConfirmIdentifier200JSONResponse(providerOut(*p)), nil
}

// ListSettings lists a provider's places.
func (s *Server) ListSettings(ctx context.Context, r gen.ListSettingsRequestObject) (gen.ListSettingsResponseObject, error) {
	after, err := lastID(settingsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := marketplace.ListSettings(ctx, s.DB, who(ctx), r.ProviderID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, settingsList, pageEnd(list, more, func(p marketplace.Setting) uuid.UUID { return p.ID }))
	return gen.ListSettings200JSONResponse{
		Body:    gen.SettingList{Items: mapped(list, settingOut), NextCursor: cursor},
		Headers: gen.ListSettings200ResponseHeaders{Link: link},
	}, nil
}

// CreateSetting adds a place to a provider.
func (s *Server) CreateSetting(ctx context.Context, r gen.CreateSettingRequestObject) (gen.CreateSettingResponseObject, error) {
	p, err := marketplace.CreateSetting(ctx, s.DB, who(ctx), r.ProviderID, settingOf(r.Body))
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("/v1/providers/%s/settings/%s", r.ProviderID, p.ID)
	return gen.CreateSetting201JSONResponse{Body: settingOut(*p), Headers: gen.CreateSetting201ResponseHeaders{Location: &at}}, nil
}

// UpdateSetting replaces what a provider says of a place.
func (s *Server) UpdateSetting(ctx context.Context, r gen.UpdateSettingRequestObject) (gen.UpdateSettingResponseObject, error) {
	p, err := marketplace.UpdateSetting(ctx, s.DB, who(ctx), r.ProviderID, r.SettingID, settingOf(r.Body))
	if err != nil {
		return nil, err
	}
	return gen.UpdateSetting200JSONResponse(settingOut(*p)), nil
}

// ListWorkers lists a provider's workers.
func (s *Server) ListWorkers(ctx context.Context, r gen.ListWorkersRequestObject) (gen.ListWorkersResponseObject, error) {
	after, err := lastID(workersList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := marketplace.ListWorkers(ctx, s.DB, who(ctx), r.ProviderID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, workersList, pageEnd(list, more, func(w marketplace.WorkerDetail) uuid.UUID { return w.ID }))
	return gen.ListWorkers200JSONResponse{
		Body:    gen.WorkerList{Items: mapped(list, workerOut), NextCursor: cursor},
		Headers: gen.ListWorkers200ResponseHeaders{Link: link},
	}, nil
}

// CreateWorker adds a worker to a provider.
func (s *Server) CreateWorker(ctx context.Context, r gen.CreateWorkerRequestObject) (gen.CreateWorkerResponseObject, error) {
	w, err := marketplace.CreateWorker(ctx, s.DB, who(ctx), r.ProviderID, workerOf(r.Body))
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("/v1/providers/%s/workers/%s", r.ProviderID, w.ID)
	return gen.CreateWorker201JSONResponse{Body: workerOut(*w), Headers: gen.CreateWorker201ResponseHeaders{Location: &at}}, nil
}

// UpdateWorker replaces what a provider says of a worker.
func (s *Server) UpdateWorker(ctx context.Context, r gen.UpdateWorkerRequestObject) (gen.UpdateWorkerResponseObject, error) {
	w, err := marketplace.UpdateWorker(ctx, s.DB, who(ctx), r.ProviderID, r.WorkerID, workerOf(r.Body))
	if err != nil {
		return nil, err
	}
	return gen.UpdateWorker200JSONResponse(workerOut(*w)), nil
}

// ListStaff lists who acts or acted for a provider.
func (s *Server) ListStaff(ctx context.Context, r gen.ListStaffRequestObject) (gen.ListStaffResponseObject, error) {
	after, err := lastID(staffList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, more, err := people.ListStaff(ctx, s.DB, who(ctx), r.ProviderID, after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, staffList, pageEnd(list, more, func(p people.Staff) uuid.UUID { return p.ID }))
	return gen.ListStaff200JSONResponse{
		Body:    gen.StaffList{Items: mapped(list, staffOut), NextCursor: cursor},
		Headers: gen.ListStaff200ResponseHeaders{Link: link},
	}, nil
}

// AddStaff gives somebody a role at a provider.
func (s *Server) AddStaff(ctx context.Context, r gen.AddStaffRequestObject) (gen.AddStaffResponseObject, error) {
	p, err := people.AddStaff(ctx, s.DB, who(ctx), r.ProviderID, people.NewStaff{
		SignIn: r.Body.SignIn, Role: shortbreaks.Role(r.Body.Role), Name: r.Body.Name,
	})
	if err != nil {
		return nil, err
	}
	at := fmt.Sprintf("/v1/providers/%s/staff", r.ProviderID)
	return gen.AddStaff201JSONResponse{Body: staffOut(*p), Headers: gen.AddStaff201ResponseHeaders{Location: &at}}, nil
}

// EndStaff takes a role away.
func (s *Server) EndStaff(ctx context.Context, r gen.EndStaffRequestObject) (gen.EndStaffResponseObject, error) {
	p, err := people.EndStaff(ctx, s.DB, who(ctx), r.ProviderID, r.StaffID, dayOrNone(r.Body.LastDay))
	if err != nil {
		return nil, err
	}
	return gen.EndStaff200JSONResponse(staffOut(*p)), nil
}

func providerOf(b *gen.ProviderDraft) marketplace.ProviderDraft {
	return marketplace.ProviderDraft{
		Kind: string(b.Kind), Name: b.Name, Description: given(b.Description), WebAddress: given(b.WebAddress), Languages: b.Languages,
		StaffCount: b.StaffCount, CompanyNumber: given(b.CompanyNumber), CharityNumber: given(b.CharityNumber), OfstedURN: given(b.OfstedUrn),
		CQCLocation: given(b.CqcLocation), Members: mapped(b.Members, func(m gen.ProviderMember) marketplace.MemberDraft {
			return marketplace.MemberDraft{Name: m.Name, CompanyNumber: given(m.CompanyNumber), CharityNumber: given(m.CharityNumber)}
		}),
	}
}

func providerOut(p marketplace.ProviderDetail) gen.Provider {
	return gen.Provider{
		ID: p.Provider.ID, Kind: gen.ProviderKind(p.Provider.Kind), Name: p.Provider.Name, Description: p.Provider.Description,
		WebAddress: p.Provider.WebAddress, Languages: words[string](p.Provider.Languages), Identifiers: mapped(p.Identifiers, identifierOut),
		Members: mapped(p.Members, func(m marketplace.Member) gen.ProviderMember {
			return gen.ProviderMember{Name: m.Name, CompanyNumber: optional(m.CompanyNumber), CharityNumber: optional(m.CharityNumber)}
		}),
		Reliability: reliabilityOut(p.Reliability),
	}
}

func identifierOut(i marketplace.IdentifierFact) gen.ProviderIdentifier {
	state := gen.IdentifierStateUnverified
	if i.ConfirmedOn != nil {
		state = gen.IdentifierStateConfirmed
	}
	return gen.ProviderIdentifier{
		Scheme: gen.IdentifierScheme(i.Scheme), Value: i.Value, State: state, ConfirmedOn: dateOrNone(i.ConfirmedOn), ConfirmedBy: words[string](i.ConfirmedBy),
	}
}

func reliabilityOut(r *marketplace.Reliability) *gen.Reliability {
	if r == nil {
		return nil
	}
	return &gen.Reliability{
		Sessions: r.Sessions, AsBookedPercent: r.Percent(), Words: fmt.Sprintf("%d of %d sessions ran as booked.", r.AsBooked, r.Sessions),
	}
}

func settingOf(b *gen.SettingRequest) marketplace.SettingFacts {
	return marketplace.SettingFacts{Name: b.Name, Postcode: b.Postcode, AddressLines: b.AddressLines, AccessFeatures: given(b.AccessFeatures)}
}

func settingOut(s marketplace.Setting) gen.Setting {
	return gen.Setting{
		ID: s.ID, Name: s.Name, Postcode: s.Postcode, Area: optional(s.Area), AddressLines: s.AddressLines, AccessFeatures: optional(s.AccessFeatures),
		Discreet: s.Discreet,
	}
}

func workerOf(b *gen.WorkerRequest) marketplace.WorkerFacts {
	return marketplace.WorkerFacts{Name: b.Name, Skills: b.Skills, Languages: b.Languages, LaneIDs: b.LaneIds, LeftOn: dayOrNone(b.LeftOn)}
}

func workerOut(w marketplace.WorkerDetail) gen.Worker {
	return gen.Worker{
		ID: w.ID, Name: w.DisplayName, Skills: words[string](w.Skills), Languages: words[string](w.Languages),
		LaneIds: mapped(w.LaneIDs, func(id uuid.UUID) gen.ID { return id }), LeftOn: dateOrNone(w.LeftOn),
	}
}

func staffOut(p people.Staff) gen.Staff {
	return gen.Staff{ID: p.ID, PersonID: p.PersonID, Name: p.Name, Role: gen.ProviderRole(p.Role), StartsOn: day(p.StartsOn), EndsOn: dateOrNone(p.EndsOn)}
}
