package api

import (
	"time"

	"github.com/oapi-codegen/runtime/types"

	"shortbreaks"
)

// The contract has optional fields as pointers, the domain as zero values;
// these turn one into the other and decide nothing.

// given is a pointer's value, or the zero value if it is nil.
func given[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional is a pointer to a value, nil for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// mapped turns each of a list; the answer is never nil, so it is [] in JSON.
func mapped[A, B any](list []A, f func(A) B) []B {
	out := make([]B, 0, len(list))
	for _, a := range list {
		out = append(out, f(a))
	}
	return out
}

// words changes the named type of texts.
func words[B, A ~string](list []A) []B { return mapped(list, func(a A) B { return B(a) }) }

// pence64 is an optional amount as the contract carries it.
func pence64(p *shortbreaks.Pence) *int64 { return (*int64)(p) }

// london writes an instant with London's offset.
func london(t time.Time) time.Time { return t.In(shortbreaks.London) }

func londonOrNone(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := london(*t)
	return &at
}

// wallOrNone writes an instant as wall time.
func wallOrNone(t *time.Time) *string {
	if t == nil {
		return nil
	}
	wall := shortbreaks.Wall(*t)
	return &wall
}

// day is a date of the contract, at midnight UTC as a SQL date reads back.
func day(t time.Time) types.Date { return types.Date{Time: t} }

// dayOrNone is an optional date of a request.
func dayOrNone(d *types.Date) *time.Time {
	if d == nil {
		return nil
	}
	return &d.Time
}

// dayOrZero is an optional date of a request, zero if it was not given.
func dayOrZero(d *types.Date) time.Time { return given(d).Time }
