package shortbreaks

import "errors"

// Kind groups errors by what a caller can do about them. The border (api,
// web) turns it into a status; nothing else knows HTTP.
type Kind int

// The kinds, with the status api gives each.
const (
	Internal     Kind = iota // 500: our fault; the text is never shown
	Malformed                // 400: the shape of a request is wrong
	Invalid                  // 422: a value breaks a rule
	NotFound                 // 404: not there, or not within the caller's reach
	Forbidden                // 403: the role may not do this
	Unauthorized             // 401: sign in
	Conflict                 // 409: state, stock or budget stands in the way
	Unavailable              // 503: try again later
)

// Error is a refusal written for people: a stable code, what happened and
// what to do next, and for bad values where each one is.
type Error struct {
	Kind   Kind
	Code   string  // kebab-case, stable, listed in the contract
	Title  string  // what happened, the same for every occurrence
	Detail string  // this occurrence: what was not done and what to do next
	Fields []Field // where the values are that broke a rule
}

// Field is one value that broke a rule.
type Field struct {
	Pointer string `json:"pointer"` // JSON pointer into the body, or "query/limit"
	Detail  string `json:"detail"`
}

// NewError names a refusal once, as a package variable.
func NewError(kind Kind, code, title string) *Error {
	return &Error{Kind: kind, Code: code, Title: title}
}

// Error gives code, title and detail; it is for logs, not for people.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Code + ": " + e.Title
	}
	return e.Code + ": " + e.Title + ": " + e.Detail
}

// Is makes errors.Is match by code, so a refusal with detail is still itself.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// With adds what this occurrence is about.
func (e *Error) With(detail string) *Error {
	c := *e
	c.Detail = detail
	return &c
}

// At adds a value that broke the rule, by JSON pointer.
func (e *Error) At(pointer, detail string) *Error {
	c := *e
	c.Fields = append(append([]Field(nil), e.Fields...), Field{Pointer: pointer, Detail: detail})
	return &c
}

// The refusals every package may give.
var (
	ErrNotFound  = NewError(NotFound, "not-found", "We could not find that")
	ErrForbidden = NewError(Forbidden, "forbidden", "Your role may not do this")
	ErrInvalid   = NewError(Invalid, "invalid", "Some of the values cannot be used")
)
