package stripedouble

import (
	"encoding/json"
	"slices"
	"time"
)

// event is something that happened, with the object as it then was.
type event struct {
	id        string
	kind      string
	created   time.Time
	object    json.RawMessage
	requestID string // of the API call that caused it; empty if none did
	key       string
	body      []byte // as delivered, the same bytes each time
	attempts  int
	delivered bool
	wanted    bool // there was somewhere to send it when it happened
}

// eventObject is an event as answered and delivered.
type eventObject struct {
	ID              string       `json:"id"`
	Object          string       `json:"object"`
	APIVersion      string       `json:"api_version"`
	Created         int64        `json:"created"`
	Data            eventData    `json:"data"`
	Livemode        bool         `json:"livemode"`
	PendingWebhooks int64        `json:"pending_webhooks"`
	Request         eventRequest `json:"request"`
	Type            string       `json:"type"`
}

type eventData struct {
	Object json.RawMessage `json:"object"`
}

type eventRequest struct {
	ID             *string `json:"id"`
	IdempotencyKey *string `json:"idempotency_key"`
}

// Event is an event for tests to look at.
type Event struct {
	ID        string
	Type      string // "checkout.session.completed", ...
	Created   time.Time
	Object    json.RawMessage // the session, intent or charge as it then was
	Body      []byte          // the webhook's body
	Attempts  int             // deliveries tried
	Delivered bool            // one was answered 2xx
}

// Events lists what happened, oldest first, sessions whose time has come
// expired.
func (d *Double) Events() []Event {
	var out []Event
	made := d.change(func(now time.Time) {
		d.lapseDue(call{now: now})
		for _, e := range d.events {
			out = append(out, Event{
				ID: e.id, Type: e.kind, Created: e.created, Object: slices.Clone(e.object),
				Body: slices.Clone(e.body), Attempts: e.attempts, Delivered: e.delivered,
			})
		}
	})
	d.deliverSoon(made)
	return out
}

// emit records an event. The caller holds the lock and sees to its delivery
// after letting go of it.
func (d *Double) emit(kind string, object any, c call) {
	e := &event{
		id: newID("evt_", 24), kind: kind, created: c.now, object: render(object),
		requestID: c.requestID, key: c.key, wanted: d.webhookURL != "",
	}
	e.body = render(e.view())
	d.events = append(d.events, e)
	d.eventByID[e.id] = e
}

func (e *event) view() eventObject {
	v := eventObject{
		ID: e.id, Object: "event", APIVersion: APIVersion, Created: e.created.Unix(), Type: e.kind,
		Data: eventData{Object: e.object},
	}
	if e.wanted && !e.delivered {
		v.PendingWebhooks = 1
	}
	if e.requestID != "" {
		v.Request.ID = &e.requestID
	}
	if e.key != "" {
		v.Request.IdempotencyKey = &e.key
	}
	return v
}

// getEvent reads GET /v1/events/{id}.
func (d *Double) getEvent(_ *params, id string, _ time.Time) work {
	return func(call) (any, *apiError) {
		e := d.eventByID[id]
		if e == nil {
			return nil, noSuch("event", "id", id)
		}
		return e.view(), nil
	}
}

// eventFilter is which events a caller wants.
type eventFilter struct {
	kinds               []string
	delivered           *string
	from, after         *int64
	to, before          *int64
	startAfter, endFore *string
	limit               int
}

// listEvents reads GET /v1/events: newest first, in pages.
func (d *Double) listEvents(p *params, _ string, _ time.Time) work {
	f := eventFilter{
		kinds: p.anyList("types"), delivered: p.oneOf("delivery_success", "true", "false"),
		from: p.integer("created[gte]", 0), after: p.integer("created[gt]", 0),
		to: p.integer("created[lte]", 0), before: p.integer("created[lt]", 0),
		startAfter: p.text("starting_after", 100), endFore: p.text("ending_before", 100), limit: 10,
	}
	if kind := p.text("type", 100); kind != nil {
		f.kinds = append(f.kinds, *kind)
	}
	if n := p.integer("limit", 1); n != nil {
		f.limit = int(min(*n, 100))
	}
	return func(c call) (any, *apiError) {
		d.lapseDue(c)
		for name, id := range map[string]*string{"starting_after": f.startAfter, "ending_before": f.endFore} {
			if id != nil && d.eventByID[*id] == nil {
				return nil, invalid("resource_missing", name, "No such event: '"+*id+"'")
			}
		}
		return f.page(d.events), nil
	}
}

// page picks one page of the events that fit, newest first.
func (f eventFilter) page(all []*event) list[eventObject] {
	out := list[eventObject]{Object: "list", Data: []eventObject{}, URL: "/v1/events"}
	var fit []*event
	started := f.startAfter == nil
	for _, e := range slices.Backward(all) {
		if f.endFore != nil && e.id == *f.endFore {
			break
		}
		if started && f.fits(e) {
			fit = append(fit, e)
		}
		started = started || e.id == *f.startAfter
	}
	if len(fit) > f.limit {
		out.HasMore = true
		if f.endFore != nil { // the page next to the cursor, not the newest
			fit = fit[len(fit)-f.limit:]
		} else {
			fit = fit[:f.limit]
		}
	}
	for _, e := range fit {
		out.Data = append(out.Data, e.view())
	}
	return out
}

func (f eventFilter) fits(e *event) bool {
	at := e.created.Unix()
	switch {
	case len(f.kinds) > 0 && !slices.Contains(f.kinds, e.kind),
		f.delivered != nil && (*f.delivered == "true") != (e.delivered || !e.wanted),
		f.from != nil && at < *f.from, f.after != nil && at <= *f.after,
		f.to != nil && at > *f.to, f.before != nil && at >= *f.before:
		return false
	}
	return true
}
