package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"shortbreaks"
)

// once is what makes an operation take effect once: the caller's key, the hash
// of the body as sent, and how the answer is written. T is what the use case
// makes; its answer is rendered inside the transaction that made it, so the
// bytes stored and the bytes answered are the same.
func once[T, A any](ctx context.Context, operation, key string, answer func(T) A) *shortbreaks.Idem {
	hash := sha256.Sum256(RawBody(ctx))
	return &shortbreaks.Idem{
		Caller: who(ctx).Person, Operation: operation, Key: key, Hash: hash[:],
		Render: func(result any) (int, []byte, error) {
			made, ok := result.(T)
			if !ok {
				return 0, nil, fmt.Errorf("%s made a %T", operation, result)
			}
			body, err := json.Marshal(answer(made))
			return http.StatusCreated, body, err
		},
	}
}

// kept is an answer as it was stored, byte for byte.
type kept struct{ *shortbreaks.Reply }

func (k kept) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	if k.Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(k.Status)
	_, err := w.Write(k.Body)
	return err
}

// VisitCreateBookingResponse writes the answer of createBooking.
func (k kept) VisitCreateBookingResponse(w http.ResponseWriter) error { return k.write(w) }

// VisitMoveBookingItemResponse writes the answer of moveBookingItem.
func (k kept) VisitMoveBookingItemResponse(w http.ResponseWriter) error { return k.write(w) }

// VisitCreateAllocationResponse writes the answer of createAllocation.
func (k kept) VisitCreateAllocationResponse(w http.ResponseWriter) error { return k.write(w) }

// VisitCreateTopUpResponse writes the answer of createTopUp.
func (k kept) VisitCreateTopUpResponse(w http.ResponseWriter) error { return k.write(w) }
