package api

import (
	"context"
	"strings"

	"shortbreaks/api/gen"
	"shortbreaks/booking"
	"shortbreaks/marketplace"
)

const (
	calendarsList = "calendars"
	closuresList  = "closures"
)

// GetOfferCalendar is an offer's sessions for a calendar program.
func (s *Server) GetOfferCalendar(ctx context.Context, r gen.GetOfferCalendarRequestObject) (gen.GetOfferCalendarResponseObject, error) {
	text, err := marketplace.OfferFeed(ctx, s.DB, who(ctx), r.OfferID)
	if err != nil {
		return nil, err
	}
	return calendarFile{text: text}, nil
}

// PreviewSessions shows the dates a series would make; nothing is saved.
func (s *Server) PreviewSessions(ctx context.Context, r gen.PreviewSessionsRequestObject) (gen.PreviewSessionsResponseObject, error) {
	p, err := marketplace.PreviewSessions(ctx, s.DB, who(ctx), marketplace.PreviewSeries{
		ProviderID: r.Body.ProviderID, SettingID: r.Body.SettingID, Series: seriesOf(r.Body.Sessions),
	})
	if err != nil {
		return nil, err
	}
	return gen.PreviewSessions200JSONResponse{
		Sessions: mapped(p.Sessions, func(o marketplace.Session) gen.PreviewedSession {
			return gen.PreviewedSession{
				StartsAt: london(o.StartsAt), EndsAt: london(o.EndsAt), LocalStart: o.LocalStart, TimeZone: o.TimeZone,
				Minutes: int(o.EndsAt.Sub(o.StartsAt).Minutes()),
			}
		}),
		LeftOut: mapped(p.LeftOut, func(d marketplace.PlannedDate) gen.LeftOutDate {
			return gen.LeftOutDate{Date: day(d.On), Because: d.LeftOut}
		}),
	}, nil
}

func seriesOf(b gen.SessionSeries) marketplace.SessionSeries {
	s := marketplace.SessionSeries{
		FirstDate: dayOrZero(b.FirstDate), LastDate: dayOrZero(b.LastDate), Weekdays: b.Weekdays, Rule: given(b.Rrule), Dates: mapped(b.Dates, dateOf),
		From: b.From, To: b.To, Except: mapped(b.Except, dateOf), Capacity: b.Capacity, SkipBankHolidays: given(b.SkipBankHolidays),
	}
	if bu := b.Bundle; bu != nil {
		s.Bundle = &marketplace.BundleDraft{Name: bu.Name, Unit: string(bu.Unit), Capacity: bu.Capacity}
	}
	s.StaffUnits = given(b.StaffUnits)
	if m := b.Minimum; m != nil {
		s.Minimum = &marketplace.MinimumDraft{Places: m.Places, DecideHoursBefore: m.DecideHoursBefore, ConfirmEarly: given(m.ConfirmEarly)}
	}
	if c := b.Calendar; c != nil {
		s.Calendar = &marketplace.CalendarLimit{SchoolID: c.SchoolID, AuthorityID: c.AuthorityID, Only: marketplace.DatesOnly(c.Only)}
	}
	return s
}

// ChangeSessions changes what is planned from a date on.
func (s *Server) ChangeSessions(ctx context.Context, r gen.ChangeSessionsRequestObject) (gen.ChangeSessionsResponseObject, error) {
	b := r.Body
	n, err := marketplace.ChangeSessions(ctx, s.DB, who(ctx), marketplace.SessionChange{
		OfferID: r.OfferID, From: b.FromDate.Time, Weekday: b.Weekday, ToDay: b.ToWeekday, Start: b.Start, End: b.End, Capacity: b.Capacity,
	})
	if err != nil {
		return nil, err
	}
	return gen.ChangeSessions200JSONResponse{Changed: n}, nil
}

// CallOffSession calls one session off.
func (s *Server) CallOffSession(ctx context.Context, r gen.CallOffSessionRequestObject) (gen.CallOffSessionResponseObject, error) {
	if given(r.Body.CancelBookings) {
		o, cancelled, err := booking.CallOffSession(ctx, s.DB, who(ctx), r.SessionID, r.Body.Reason)
		if err != nil {
			return nil, err
		}
		out := plannedOut(o)
		out.PlacesCancelled = &cancelled
		return gen.CallOffSession200JSONResponse(out), nil
	}
	o, err := marketplace.CallOffSession(ctx, s.DB, who(ctx), r.SessionID, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return gen.CallOffSession200JSONResponse(plannedOut(o)), nil
}

// MoveSession gives one session another time.
func (s *Server) MoveSession(ctx context.Context, r gen.MoveSessionRequestObject) (gen.MoveSessionResponseObject, error) {
	o, err := marketplace.MoveSession(ctx, s.DB, who(ctx), marketplace.SessionMove{
		SessionID: r.SessionID, On: r.Body.Date.Time, From: r.Body.From, To: r.Body.To, Reason: given(r.Body.Reason),
	})
	if err != nil {
		return nil, err
	}
	return gen.MoveSession200JSONResponse(plannedOut(o)), nil
}

func plannedOut(o *marketplace.SessionDetail) gen.PlannedSession {
	return gen.PlannedSession{
		ID: o.ID, State: gen.SessionState(o.State), StartsAt: london(o.StartsAt), EndsAt: london(o.EndsAt), LocalStart: o.LocalStart,
		TimeZone: o.TimeZone, PlannedStart: o.PlannedStart, Reason: o.Reason,
	}
}

// ListClosures lists when a provider is shut.
func (s *Server) ListClosures(ctx context.Context, r gen.ListClosuresRequestObject) (gen.ListClosuresResponseObject, error) {
	after, err := unsealed(closuresList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, next, err := marketplace.ListClosures(ctx, s.DB, who(ctx), after, limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, closuresList, next)
	return gen.ListClosures200JSONResponse{
		Body:    gen.ClosureList{Items: mapped(list, closureOut), NextCursor: cursor},
		Headers: gen.ListClosures200ResponseHeaders{Link: link},
	}, nil
}

// CreateClosure shuts a provider or a setting of it.
func (s *Server) CreateClosure(ctx context.Context, r gen.CreateClosureRequestObject) (gen.CreateClosureResponseObject, error) {
	c, cancelled, err := booking.Close(ctx, s.DB, who(ctx), marketplace.NewClosure{
		ProviderID: r.Body.ProviderID, SettingID: r.Body.SettingID, StartsOn: r.Body.StartsOn.Time, EndsOn: r.Body.EndsOn.Time, Reason: r.Body.Reason,
		CancelBookings: given(r.Body.CancelBookings),
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateClosure201JSONResponse{Closure: closureOut(c.Closure), SessionsCalledOff: c.Sessions, PlacesCancelled: cancelled}, nil
}

func closureOut(c marketplace.Closure) gen.Closure {
	return gen.Closure{ID: c.ID, SettingID: c.SettingID, StartsOn: day(c.StartsOn), EndsOn: day(c.EndsOn), Reason: c.Reason}
}

// SetBusyCalendar counts a worker's own calendar as busy time.
func (s *Server) SetBusyCalendar(ctx context.Context, r gen.SetBusyCalendarRequestObject) (gen.SetBusyCalendarResponseObject, error) {
	b, err := marketplace.SetBusyCalendar(ctx, s.DB, who(ctx), marketplace.SetBusy{LaneID: r.LaneID, Address: given(r.Body.Address), File: given(r.Body.File)})
	if err != nil {
		return nil, err
	}
	return gen.SetBusyCalendar200JSONResponse(busyOut(b)), nil
}

// GetBusyCalendar says how a worker's calendar stands.
func (s *Server) GetBusyCalendar(ctx context.Context, r gen.GetBusyCalendarRequestObject) (gen.GetBusyCalendarResponseObject, error) {
	b, err := marketplace.GetBusyCalendar(ctx, s.DB, who(ctx), r.LaneID)
	if err != nil {
		return nil, err
	}
	return gen.GetBusyCalendar200JSONResponse(busyOut(b)), nil
}

// RemoveBusyCalendar forgets a worker's calendar.
func (s *Server) RemoveBusyCalendar(ctx context.Context, r gen.RemoveBusyCalendarRequestObject) (gen.RemoveBusyCalendarResponseObject, error) {
	if err := marketplace.RemoveBusyCalendar(ctx, s.DB, who(ctx), r.LaneID); err != nil {
		return nil, err
	}
	return gen.RemoveBusyCalendar204Response{}, nil
}

func busyOut(b *marketplace.BusyStatus) gen.BusyStatus {
	return gen.BusyStatus{
		LaneID: b.LaneID, Host: optional(b.Host), CheckedAt: londonOrNone(b.CheckedAt), Trouble: optional(b.Trouble), BusyTimes: b.BusyTimes,
		Clashes: mapped(b.Clashes, func(c marketplace.Clash) gen.BusyClash {
			return gen.BusyClash{StartsAt: london(c.From), EndsAt: london(c.To)}
		}),
	}
}

// ListCalendars lists term dates.
func (s *Server) ListCalendars(ctx context.Context, r gen.ListCalendarsRequestObject) (gen.ListCalendarsResponseObject, error) {
	after, err := unsealed(calendarsList, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	list, next, err := marketplace.ListCalendars(ctx, s.DB, marketplace.CalendarQuery{Name: given(r.Params.Name), Cursor: after, Limit: limitOf(r.Params.Limit)})
	if err != nil {
		return nil, err
	}
	cursor, link := nextPage(ctx, calendarsList, next)
	return gen.ListCalendars200JSONResponse{
		Body:    gen.CalendarList{Items: mapped(list, schoolCalendarOut), NextCursor: cursor},
		Headers: gen.ListCalendars200ResponseHeaders{Link: link},
	}, nil
}

func schoolCalendarOut(c marketplace.SchoolCalendar) gen.SchoolCalendar {
	return gen.SchoolCalendar{
		ID: c.ID, AuthorityID: c.AuthorityID, SchoolID: c.SchoolID, Name: c.Name,
		Ranges: mapped(c.Ranges, func(r marketplace.CalendarRange) gen.CalendarRange {
			return gen.CalendarRange{Kind: gen.CalendarRangeKind(r.Kind), StartsOn: day(r.StartsOn), EndsOn: day(r.EndsOn), Name: r.Name}
		}),
	}
}

// ImportCalendar reads the term dates of a school or a council.
func (s *Server) ImportCalendar(ctx context.Context, r gen.ImportCalendarRequestObject) (gen.ImportCalendarResponseObject, error) {
	b := r.Body
	report, err := marketplace.ImportCalendar(ctx, s.DB, who(ctx), strings.NewReader(b.File), marketplace.CalendarImport{
		AuthorityID: b.AuthorityID, SchoolName: given(b.SchoolName), Format: string(b.Format), DryRun: given(b.DryRun),
	})
	if err != nil {
		return nil, err
	}
	return gen.ImportCalendar200JSONResponse{
		CalendarID: report.CalendarID, Rows: report.Rows, Replaced: report.Replaced, FirstDate: day(report.FirstDate), LastDate: day(report.LastDate),
		NewSchool: report.NewSchool, DryRun: report.DryRun,
	}, nil
}
