package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// maxFields is how many wrong values one problem lists; more would let a
// small request ask for a large answer.
const maxFields = 50

// uuidForm admits every version, as ids here are version 7 and those of other
// systems may be any.
var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// schemaOptions check formats that the library would only match by pattern,
// or not at all: 30 February is no date.
var schemaOptions = []openapi3.SchemaValidationOption{
	openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{
		"uuid": openapi3.NewCallbackValidator(func(s string) error {
			if !uuidForm.MatchString(s) {
				return errors.New("not a UUID")
			}
			return nil
		}),
		"date":      layoutValidator(time.DateOnly),
		"date-time": layoutValidator(time.RFC3339),
		"wall-time": layoutValidator(shortbreaks.WallLayout),
	}),
}

func layoutValidator(layout string) openapi3.StringFormatValidator {
	return openapi3.NewCallbackValidator(func(s string) error {
		_, err := time.Parse(layout, s)
		return err
	})
}

type rawBodyKey struct{}

// RawBody is the request's body as received, for what is signed or hashed
// over its bytes.
func RawBody(ctx context.Context) []byte {
	body, _ := ctx.Value(rawBodyKey{}).([]byte)
	return body
}

// Middleware holds each request against the contract before any handler sees
// it, and answers every fault at once, each with its place. Addresses that
// are not part of the contract pass.
func (k *Contract) Middleware() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			o := k.OperationOf(c)
			if o == nil {
				return next(c)
			}
			params := map[string]string{}
			for _, name := range c.ParamNames() {
				params[name] = c.Param(name)
			}
			body, err := readBody(c)
			if err != nil {
				return err
			}
			if err := o.check(c.Request(), params, body); err != nil {
				return err
			}
			return next(c)
		}
	}
}

// readBody takes the body, leaves it to be read again, and keeps its bytes.
func readBody(c echo.Context) ([]byte, error) {
	req := c.Request()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	req = req.WithContext(context.WithValue(req.Context(), rawBodyKey{}, body))
	req.Body = io.NopCloser(bytes.NewReader(body))
	c.SetRequest(req)
	return body, nil
}

// check gives one refusal with every fault of parameters and body.
func (o *Operation) check(req *http.Request, params map[string]string, body []byte) error {
	found := &faults{at: map[string]bool{}}
	o.checkQuery(req, found)
	err := openapi3filter.ValidateRequest(req.Context(), &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: o.route,
		Options: &openapi3filter.Options{
			MultiError: true, ExcludeRequestBody: true, SkipSettingDefaults: true,
			AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc,
			SchemaValidationOptions: schemaOptions,
		},
	})
	found.add(nil, err)
	if err := o.checkBody(req, body, found); err != nil {
		return err
	}
	if len(found.fields) == 0 {
		return nil
	}
	refusal := *ErrMalformed
	if o.Idempotent && req.Header.Get(idempotencyHeader) == "" {
		refusal = *shortbreaks.ErrKeyIsRequired
	}
	refusal.Detail = "Correct what is listed and send the request again. Nothing was changed."
	refusal.Fields = found.fields
	return &refusal
}

const idempotencyHeader = "Idempotency-Key"

// checkQuery refuses what kin-openapi lets pass: parameters the operation
// does not have, a parameter given twice, and text that cannot be stored.
func (o *Operation) checkQuery(req *http.Request, found *faults) {
	given, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		found.put("query", "This is not a well-formed query.")
		return
	}
	names := make([]string, 0, len(given))
	for name := range given {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		known := o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) != nil
		values := given[name]
		switch {
		case !known:
			found.put("query/"+name, "This is not a parameter of this operation.")
		case len(values) > 1:
			found.put("query/"+name, "This is given more than once.")
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			found.put("query/"+name, "This contains a character that cannot be stored.")
		}
	}
}

func (o *Operation) checkBody(req *http.Request, body []byte, found *faults) error {
	if o.Raw {
		return o.checkFile(req)
	}
	if o.body == nil {
		if len(body) > 0 && !slices.Equal(bytes.TrimSpace(body), []byte("{}")) {
			found.put("", "This is not expected: this operation takes no body.")
		}
		return nil
	}
	if len(body) == 0 {
		found.put("", "This is missing: this operation takes a JSON body.")
		return nil
	}
	if kind, _, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType)); err != nil || kind != echo.MIMEApplicationJSON {
		return ErrUnsupportedMediaType
	}
	value, err := strictJSON(body)
	if err != nil {
		found.add(nil, err)
		return nil
	}
	opts := append([]openapi3.SchemaValidationOption{openapi3.VisitAsRequest(), openapi3.MultiErrors()}, schemaOptions...)
	found.add(nil, o.body.VisitJSON(value, opts...))
	if object, ok := value.(map[string]any); ok {
		o.checkExactlyOne(object, found)
	}
	return nil
}

// checkFile refuses a file of a kind the operation does not take. What is in
// it is for the domain to see.
func (o *Operation) checkFile(req *http.Request) error {
	if len(o.files) == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(req.Header.Get(echo.HeaderContentType))
	if err != nil || !slices.Contains(o.files, kind) {
		return ErrUnsupportedMediaType
	}
	return nil
}

// checkExactlyOne is x-exactly-one-of: said once in the contract, where a
// union of types would make every reader pay.
func (o *Operation) checkExactlyOne(object map[string]any, found *faults) {
	for _, group := range o.exactlyOne {
		first := ""
		for _, name := range group {
			if _, given := object[name]; !given {
				continue
			}
			if first != "" {
				found.put("/"+name, "This may not be given together with "+first+".")
				continue
			}
			first = name
		}
		if first == "" {
			found.put("/"+group[0], "This is missing: give exactly one of "+strings.Join(group, ", ")+".")
		}
	}
}

// registerFiles teaches the validator that photos, papers and files of offers
// are bytes; once, since it keeps such things for the whole process.
var registerFiles = sync.OnceFunc(func() {
	for _, kind := range []string{"image/jpeg", "application/pdf", echo.MIMETextHTML, "text/csv", marketplace.MediaXLSX} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
})

// CheckResponse holds an answer against the contract: its status must be
// declared, its content type and body must fit, and a problem must carry a
// listed code with that code's status. It is for tests.
func (k *Contract) CheckResponse(req *http.Request, status int, header http.Header, body []byte) error {
	o, params := k.find(req)
	if o == nil {
		return fmt.Errorf("%s %s is not in the contract", req.Method, req.URL.Path)
	}
	if o.route.Operation.Responses.Status(status) == nil && !undeclaredMayBe[status] {
		return fmt.Errorf("%s: status %d is not declared", o.ID, status)
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: o.route},
		Status:                 status, Header: header,
		Options: &openapi3filter.Options{MultiError: true, IncludeResponseStatus: true, SchemaValidationOptions: schemaOptions},
	}
	registerFiles()
	in.SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(req.Context(), in); err != nil {
		return fmt.Errorf("%s answered %d: %w", o.ID, status, err)
	}
	if status < 400 {
		return nil
	}
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("%s answered %d: %w", o.ID, status, err)
	}
	listed, known := k.codes[p.Code]
	if !known || listed.Status != status || p.Status != status {
		return fmt.Errorf("%s answered %d with code %q, which the contract lists for %d", o.ID, status, p.Code, listed.Status)
	}
	return nil
}

// undeclaredMayBe are the statuses the border gives on any operation; the
// contract covers them by its default answer.
var undeclaredMayBe = map[int]bool{
	http.StatusMethodNotAllowed: true, http.StatusRequestEntityTooLarge: true, http.StatusUnsupportedMediaType: true,
	http.StatusInternalServerError: true, http.StatusServiceUnavailable: true,
}
