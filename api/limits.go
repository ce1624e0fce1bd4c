package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"shortbreaks"
)

// What a request may be at most. The contract states both body sizes.
const (
	MaxBody    = 1 << 20 // bytes of an ordinary body
	MaxRawBody = 5 << 20 // bytes of a body taken raw: a webhook, a file
	MaxDepth   = 32      // arrays and objects within each other
	MaxValues  = 10_000  // values in one JSON document; the largest offer has about 4,000
	MaxNames   = 100     // names in one object; the widest of the contract has 20
)

// requestIDForm is what a caller may name its request; anything else is
// replaced, so that logs cannot be written to from outside.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// Manners gives every answer its request id and safe headers, keeps private
// answers out of caches, and refuses a body that is too large, whoever reads
// it. Install it first.
func (k *Contract) Manners() echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			req := c.Request()
			setHeaders(c)
			limit := int64(MaxBody)
			if o := k.OperationOf(c); o != nil && o.Raw {
				limit = MaxRawBody
			}
			if req.ContentLength > limit {
				// the rest would have to be read to use the connection again
				c.Response().Header().Set("Connection", "close")
				return ErrBodyTooLarge
			}
			req.Body = http.MaxBytesReader(c.Response(), req.Body, limit)
			return next(c)
		}
	}
}

func setHeaders(c echo.Context) {
	req, h := c.Request(), c.Response().Header()
	id := req.Header.Get(echo.HeaderXRequestID)
	if !requestIDForm.MatchString(id) {
		id = shortbreaks.NewID().String()
	}
	h.Set(echo.HeaderXRequestID, id)
	h.Set(echo.HeaderXContentTypeOptions, "nosniff")
	h.Set(echo.HeaderXFrameOptions, "DENY")
	h.Set(echo.HeaderReferrerPolicy, "no-referrer")
	h.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Add(echo.HeaderVary, "Authorization")
	h.Add(echo.HeaderVary, "Cookie")
	if c.Scheme() == "https" {
		h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000; includeSubDomains")
	}
	safe := req.Method == http.MethodGet || req.Method == http.MethodHead
	if !safe || req.Header.Get(echo.HeaderAuthorization) != "" || req.Header.Get("Cookie") != "" {
		h.Set(echo.HeaderCacheControl, "no-store")
	}
}

// RequestID is the id of the request being answered; problems carry it and
// logs name it.
func RequestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// strictJSON decodes one JSON document and nothing after it. Beyond what
// encoding/json checks it refuses deep nesting, a name given twice in one
// object, numbers that are not written as whole ones (no request of the
// contract carries a fraction), and text that PostgreSQL cannot store. Numbers
// stay json.Number.
func strictJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, malformedAt("", "This is not UTF-8.")
	}
	s := strictReader{dec: json.NewDecoder(bytes.NewReader(text))}
	s.dec.UseNumber()
	value, err := s.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := s.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, malformedAt("", "This has something after the end of the JSON document.")
	}
	return value, nil
}

// strictReader walks the tokens of a document and knows where it is. It counts
// them, as a megabyte of faults takes seconds to be told one by one.
type strictReader struct {
	dec    *json.Decoder
	path   []string
	values int
}

func (s *strictReader) value(depth int) (any, error) {
	token, err := s.dec.Token()
	if err != nil {
		return nil, s.notJSON()
	}
	if s.values++; s.values > MaxValues {
		return nil, malformedAt("", fmt.Sprintf("This has more than %d values.", MaxValues))
	}
	if depth > MaxDepth {
		return nil, s.wrong(fmt.Sprintf("This is nested more than %d deep.", MaxDepth))
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return s.object(depth)
		}
		return s.array(depth)
	case json.Number:
		if strings.ContainsAny(string(t), ".eE") {
			return nil, s.wrong("This must be a whole number, without a point or exponent.")
		}
	case string:
		if strings.ContainsRune(t, 0) {
			return nil, s.wrong("This contains a character that cannot be stored.")
		}
	}
	return token, nil
}

func (s *strictReader) object(depth int) (any, error) {
	out := map[string]any{}
	for s.dec.More() {
		token, err := s.dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return nil, s.notJSON()
		}
		if len(out) == MaxNames {
			return nil, s.wrong(fmt.Sprintf("This has more than %d fields.", MaxNames))
		}
		s.path = append(s.path, name)
		if _, twice := out[name]; twice {
			return nil, s.wrong("This is given twice.")
		}
		if out[name], err = s.value(depth + 1); err != nil {
			return nil, err
		}
		s.path = s.path[:len(s.path)-1]
	}
	if _, err := s.dec.Token(); err != nil {
		return nil, s.notJSON()
	}
	return out, nil
}

func (s *strictReader) array(depth int) (any, error) {
	out := []any{}
	for s.dec.More() {
		s.path = append(s.path, strconv.Itoa(len(out)))
		v, err := s.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		s.path = s.path[:len(s.path)-1]
	}
	if _, err := s.dec.Token(); err != nil {
		return nil, s.notJSON()
	}
	return out, nil
}

func (s *strictReader) wrong(detail string) error { return malformedAt(pointer(s.path), detail) }

// notJSON says where reading stopped, never what stood there.
func (s *strictReader) notJSON() error {
	return s.wrong(fmt.Sprintf("This is not JSON: reading stopped at byte %d.", s.dec.InputOffset()))
}

// pointer writes a path as a JSON pointer (RFC 6901).
func pointer(path []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, name := range path {
		b.WriteByte('/')
		b.WriteString(escape.Replace(name))
	}
	return b.String()
}

func malformedAt(pointer, detail string) error { return ErrMalformed.At(pointer, detail) }
