package stripedouble

import (
	"net/http"
	"sort"
	"strings"
)

// apiError is a refusal in Stripe's envelope.
type apiError struct {
	status  int
	Type    string `json:"type"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
}

// Error types of the envelope.
const (
	typeInvalid     = "invalid_request_error"
	typeIdempotency = "idempotency_error"
	typeCard        = "card_error"
	typeAPI         = "api_error"
)

// envelope is what an error answers.
type envelope struct {
	Error *apiError `json:"error"`
}

func invalid(code, param, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, Type: typeInvalid, Code: code, Param: param, Message: message}
}

func unknownParams(names []string) *apiError {
	sort.Strings(names)
	return invalid("parameter_unknown", names[0],
		"These parameters are unknown here: "+strings.Join(names, ", ")+".")
}

// noSuch is the refusal of an id nothing is known of; param is "id" when the
// id stands in the path.
func noSuch(what, param, id string) *apiError {
	return &apiError{
		status: http.StatusNotFound, Type: typeInvalid, Code: "resource_missing", Param: param,
		Message: "No such " + what + ": '" + id + "'",
	}
}

// injected is the error a test asked for with Fail.
func injected(status int) *apiError {
	e := &apiError{status: status, Type: typeInvalid, Message: "A test asked for this failure."}
	switch {
	case status >= http.StatusInternalServerError:
		e.Type = typeAPI
	case status == http.StatusTooManyRequests:
		e.Code = "rate_limit"
	case status == http.StatusConflict:
		e.Code = "lock_timeout"
	case status == http.StatusPaymentRequired:
		e.Type, e.Code = typeCard, "card_declined"
	}
	return e
}
