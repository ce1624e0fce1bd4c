package stripedouble

import (
	"net/http"
	"time"
)

// keyLife is how long an answer is kept; afterwards the key is new again.
const keyLife = 24 * time.Hour

// keyRecord is what is known of one Idempotency-Key.
type keyRecord struct {
	request  string // method, path and all parameters, sorted
	first    string // id of the request that did the work
	started  time.Time
	finished bool
	status   int
	body     []byte
}

// claim takes a key for a request. It answers the finished record to replay,
// or nil when the work is the caller's to do, or a refusal: the key was used
// for other parameters, or its work is still under way.
func (d *Double) claim(key, request, requestID string, now time.Time) (*keyRecord, *apiError) {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.keys[key]
	switch {
	case k == nil, k.finished && now.Sub(k.started) >= keyLife:
		d.keys[key] = &keyRecord{request: request, first: requestID, started: now}
		return nil, nil
	case k.request != request:
		return nil, &apiError{
			status: http.StatusBadRequest, Type: typeIdempotency,
			Message: "This Idempotency-Key was first used with other parameters; use a new key for a new request.",
		}
	case !k.finished:
		return nil, &apiError{
			status: http.StatusConflict, Type: typeIdempotency, Code: "idempotency_key_in_use",
			Message: "The first request with this Idempotency-Key is still under way; try again later.",
		}
	}
	return k, nil
}

// forget gives a key back: nothing began, so nothing is kept.
func (d *Double) forget(key string) {
	if key == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.keys, key)
}

// keep stores the answer of work that began. The caller holds the lock, so
// work and record appear together.
func (d *Double) keep(key string, status int, body []byte) {
	if key == "" {
		return
	}
	k := d.keys[key]
	k.finished, k.status, k.body = true, status, body
}
