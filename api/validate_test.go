package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"

	"shortbreaks"
)

// border is an Echo with everything in front of the handlers and, behind each
// operation, a handler that answers 204.
func border(t *testing.T) *echo.Echo {
	t.Helper()
	k := contract(t)
	e := echo.New()
	e.HTTPErrorHandler = HandleError
	e.Use(k.Manners(), k.Middleware())
	for _, o := range k.Operations() {
		e.Add(o.Method, echoPath(o.Path), func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	}
	return e
}

// ask sends one request; lines of head are further headers.
func ask(e *echo.Echo, method, path, body string, head ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range head {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, req)
	return rec
}

func problem(t *testing.T, rec *httptest.ResponseRecorder) Problem {
	t.Helper()
	var p Problem
	require.Equal(t, ProblemMIME, rec.Header().Get("Content-Type"), rec.Body)
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &p))
	require.Equal(t, rec.Code, p.Status)
	InSentences(t, rec.Body.Bytes())
	return p
}

// InSentences holds what a problem says against how we speak to people: in whole
// sentences, each of which can be read alone.
func InSentences(t testing.TB, body []byte) {
	t.Helper()
	var p Problem
	require.NoError(t, json.Unmarshal(body, &p))
	var said []string
	if p.Detail != "" {
		said = append(said, p.Detail)
	}
	for _, f := range p.Errors {
		said = append(said, f.Detail)
	}
	for _, s := range said {
		require.Regexp(t, `^[\p{Lu}\d£"'“‘].*[.?!]$`, s, "%s", body)
	}
}

const (
	anID      = "01930a6e-7c00-7000-8000-000000000101"
	aQuote    = `{"child_id":"` + anID + `","offer_id":"` + anID + `","bundle_id":"` + anID + `"}`
	aPattern  = `{"weekdays":[6],"minutes":180,"starts_on":"2027-01-09","ends_on":"2027-03-27"}`
	aTopUp    = `{"child_id":"` + anID + `","amount_pence":2500}`
	aKey      = "Idempotency-Key: basket-1"
	otherUUID = "6ba7b810-9dad-41d1-80b4-00c04fd430c8" // version 4
)

func TestValidation_LetsWhatFitsPass(t *testing.T) {
	t.Parallel()
	e := border(t)
	for _, good := range [][]string{
		{"GET", "/v1/offers", ""},
		{"GET", "/v1/offers?q=swim&limit=100&category=swimming&postcode=mk9&within_km=5&max_price_pence=0", ""},
		{"GET", "/v1/offers/" + otherUUID, ""},
		{"GET", "/v1/bookings?from=2028-02-29&reference=SB-7K3Q-9F2M&state=no_show", ""},
		{"POST", "/v1/offer-comparisons", aPattern},
		{"POST", "/v1/offer-comparisons", " \n" + aPattern + "\n "},
		{"POST", "/v1/quotes", aQuote},
		{"POST", "/v1/bookings/" + anID + "/acceptance", ""},
		{"POST", "/v1/bookings/" + anID + "/acceptance", "{}"},
		{"POST", "/v1/top-ups", aTopUp, aKey},
	} {
		rec := ask(e, good[0], good[1], good[2], good[3:]...)
		require.Equal(t, http.StatusNoContent, rec.Code, "%v: %s", good, rec.Body)
	}
}

// inPath is a parameter in a path; all of them are ids.
var inPath = regexp.MustCompile(`\{[a-z_]+\}`)

func TestValidation_EveryExampleOfTheContractFits(t *testing.T) {
	t.Parallel()
	e := border(t)
	sent := 0
	for _, o := range contract(t).Operations() {
		if o.body == nil || o.Raw {
			continue
		}
		media := o.route.Operation.RequestBody.Value.Content["application/json"]
		examples := []any{media.Example}
		for _, one := range media.Examples {
			examples = append(examples, one.Value.Value)
		}
		for _, example := range examples {
			if example == nil {
				continue
			}
			body, err := json.Marshal(example)
			require.NoError(t, err)
			rec := ask(e, o.Method, inPath.ReplaceAllString(o.Path, anID), string(body), aKey)
			require.Equal(t, http.StatusNoContent, rec.Code, "%s: %s", o.ID, rec.Body)
			sent++
		}
	}
	require.Greater(t, sent, 12)
}

// Each bad request is refused with the place of the fault.
func TestValidation_RefusesWithThePlace(t *testing.T) {
	t.Parallel()
	e := border(t)
	const pattern, quote = "/v1/offer-comparisons", "/v1/quotes"
	for name, c := range map[string]struct{ method, path, body, pointer, detail string }{
		"unknown field":          {"POST", pattern, with(aPattern, `"colour":"red"`), "/colour", "is not a field of this request"},
		"unknown field inside":   {"POST", pattern, with(aPattern, `"ratio":{"staff":1,"children":1,"x/y":1}`), "/ratio/x~1y", "is not a field"},
		"other case is unknown":  {"POST", quote, with(aQuote, `"Family_pays":"direct"`), "/Family_pays", "is not a field"},
		"missing field":          {"POST", pattern, `{"weekdays":[6],"minutes":180,"starts_on":"2027-01-09"}`, "/ends_on", "is missing"},
		"wrong enum":             {"POST", pattern, with(aPattern, `"category":"disco"`), "/category", "must be one of club, "},
		"bad uuid":               {"POST", quote, strings.Replace(aQuote, anID, "17", 1), "/child_id", "must be a UUID"},
		"uuid in braces":         {"POST", quote, strings.Replace(aQuote, anID, "{"+anID+"}", 1), "/child_id", "must be a UUID"},
		"too small":              {"POST", pattern, strings.Replace(aPattern, "180", "14", 1), "/minutes", "must be at least 15"},
		"too large":              {"POST", pattern, strings.Replace(aPattern, "180", "1441", 1), "/minutes", "must be at most 1440"},
		"far too large":          {"POST", pattern, strings.Replace(aPattern, "180", strings.Repeat("9", 400), 1), "/minutes", "must be a whole number"},
		"fraction":               {"POST", pattern, strings.Replace(aPattern, "180", "180.5", 1), "/minutes", "must be a whole number"},
		"whole but with a point": {"POST", pattern, strings.Replace(aPattern, "180", "180.0", 1), "/minutes", "must be a whole number"},
		"exponent":               {"POST", pattern, strings.Replace(aPattern, "180", "18e1", 1), "/minutes", "must be a whole number"},
		"text for a number":      {"POST", pattern, strings.Replace(aPattern, "180", `"180"`, 1), "/minutes", "must be a whole number"},
		"null":                   {"POST", pattern, with(aPattern, `"age":null`), "/age", "may not be null"},
		"no such day":            {"POST", pattern, strings.Replace(aPattern, "2027-03-27", "2027-02-29", 1), "/ends_on", "must be a date"},
		"no such wall time":      {"POST", quote, visit("2027-02-30T10:00"), "/visits/0/local_start", "such as 2027-01-09T10:00"},
		"in a list":              {"POST", pattern, strings.Replace(aPattern, "[6]", "[6,8]", 1), "/weekdays/1", "must be at most 7"},
		"twice in a list":        {"POST", pattern, strings.Replace(aPattern, "[6]", "[6,6]", 1), "/weekdays", "may not have the same entry twice"},
		"empty list":             {"POST", pattern, strings.Replace(aPattern, "[6]", "[]", 1), "/weekdays", "must have at least 1 value."},
		"list for an object":     {"POST", pattern, `[]`, "", "must be an object"},
		"none of the choices":    {"POST", quote, `{"child_id":"` + anID + `","offer_id":"` + anID + `"}`, "/session_ids", "exactly one of session_ids, bundle_id, visits"},
		"two of the choices":     {"POST", quote, with(aQuote, `"session_ids":["`+anID+`"]`), "/bundle_id", "may not be given together with session_ids"},
		"trailing garbage":       {"POST", pattern, aPattern + `{"a":1}`, "", "after the end"},
		"trailing brace":         {"POST", pattern, aPattern + `}`, "", "after the end"},
		"cut short":              {"POST", pattern, aPattern[:25], "/minutes", "is not JSON: reading stopped at byte"},
		"not JSON":               {"POST", pattern, `weekdays=6`, "", "is not JSON"},
		"duplicate key":          {"POST", pattern, with(aPattern, `"minutes":15`), "/minutes", "is given twice"},
		"duplicate, escaped":     {"POST", pattern, with(aPattern, `"m\u0069nutes":15`), "/minutes", "is given twice"},
		"depth bomb":             {"POST", pattern, strings.Repeat("[", 200000), strings.Repeat("/0", MaxDepth+1), "is nested more than 32 deep"},
		"depth bomb of objects":  {"POST", pattern, strings.Repeat(`{"a":`, 40), strings.Repeat("/a", MaxDepth+1), "is nested more than 32 deep"},
		"too many fields":        {"POST", pattern, "{" + fields(MaxNames+1) + "}", "", "has more than 100 fields"},
		"too many values":        {"POST", pattern, `{"weekdays":[` + strings.Repeat("1,", MaxValues) + `1]}`, "", "has more than 10000 values"},
		"not UTF-8":              {"POST", pattern, with(aPattern, "\"q\":\"\xff\""), "", "is not UTF-8"},
		"NUL":                    {"POST", pattern, with(aPattern, `"q":"a\u0000b"`), "/q", "cannot be stored"},
		"empty body":             {"POST", pattern, "", "", "is missing"},
		"unwanted body":          {"POST", "/v1/bookings/" + anID + "/acceptance", `{"reason":"x"}`, "", "takes no body"},
		"bad id in the path":     {"GET", "/v1/offers/17", "", "path/offer_id", "must be a UUID"},
		"unknown parameter":      {"GET", "/v1/offers?colour=red", "", "query/colour", "is not a parameter"},
		"parameter twice":        {"GET", "/v1/offers?limit=1&limit=2", "", "query/limit", "more than once"},
		"parameter too large":    {"GET", "/v1/offers?limit=101", "", "query/limit", "must be at most 100"},
		"parameter too small":    {"GET", "/v1/offers?limit=0", "", "query/limit", "must be at least 1"},
		"parameter no number":    {"GET", "/v1/offers?limit=ten", "", "query/limit", "must be a whole number"},
		"parameter fraction":     {"GET", "/v1/offers?limit=1.5", "", "query/limit", "must be a whole number"},
		"parameter empty":        {"GET", "/v1/offers?limit=", "", "query/limit", "is empty"},
		"parameter no enum":      {"GET", "/v1/offers?price_unit=fortnight", "", "query/price_unit", "must be one of hour, "},
		"parameter no date":      {"GET", "/v1/bookings?from=2027-02-29", "", "query/from", "must be a date"},
		"parameter missing":      {"GET", "/v1/demand", "", "query/by", "is missing"},
		"parameter not UTF-8":    {"GET", "/v1/offers?q=%ff", "", "query/q", "cannot be stored"},
		"parameter NUL":          {"GET", "/v1/offers?q=a%00b", "", "query/q", "cannot be stored"},
		"query not well formed":  {"GET", "/v1/offers?q=%zz", "", "query", "well-formed"},
	} {
		p := problem(t, ask(e, c.method, c.path, c.body))
		require.Equal(t, http.StatusBadRequest, p.Status, name)
		require.Equal(t, "malformed", p.Code, name)
		require.Len(t, p.Errors, 1, "%s: %v", name, p.Errors)
		require.Equal(t, c.pointer, p.Errors[0].Pointer, name)
		require.Contains(t, p.Errors[0].Detail, c.detail, name)
	}
}

func TestValidation_NamesEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	p := problem(t, ask(border(t), "PUT", "/v1/booking-items/17/attendance?x=1", `{"outcome":"maybe","note":"","left_at":"noon","y":2}`))
	require.Equal(t, http.StatusBadRequest, p.Status)
	at := map[string]string{}
	for _, f := range p.Errors {
		at[f.Pointer] = f.Detail
	}
	require.Equal(t, map[string]string{
		"query/x": "This is not a parameter of this operation.", "path/item_id": "This must be a UUID.",
		"/outcome": "This must be one of delivered, partly_delivered, no_show.", "/note": "This must have at least 1 character.",
		"/left_at": "This must be of the right form, such as 2027-01-09T10:00.", "/y": "This is not a field of this request.",
	}, at)
	require.NotContains(t, fmt.Sprint(p), "noon", "what was sent is not repeated")

	p = problem(t, ask(border(t), "GET", "/v1/offers?limit=0&age=26&category=x", ""))
	require.Len(t, p.Errors, 3)
}

func TestValidation_AnswersAtMostFiftyFaults(t *testing.T) {
	t.Parallel()
	p := problem(t, ask(border(t), "POST", "/v1/offer-comparisons", "{"+fields(MaxNames)+"}"))
	require.Len(t, p.Errors, maxFields)
}

// fields are n that the contract does not know.
func fields(n int) string {
	var many []string
	for i := range n {
		many = append(many, fmt.Sprintf(`"f%d":1`, i))
	}
	return strings.Join(many, ",")
}

func TestValidation_AsksForTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	e := border(t)
	p := problem(t, ask(e, "POST", "/v1/top-ups", aTopUp))
	require.Equal(t, http.StatusBadRequest, p.Status)
	require.Equal(t, "idempotency-key-required", p.Code)
	require.Equal(t, []shortbreaks.Field{{Pointer: "header/Idempotency-Key", Detail: "This is missing."}}, p.Errors)

	for _, key := range []string{"with space", strings.Repeat("k", 256), "é"} {
		p = problem(t, ask(e, "POST", "/v1/top-ups", aTopUp, "Idempotency-Key: "+key))
		require.Equal(t, "malformed", p.Code, key)
		require.Equal(t, "header/Idempotency-Key", p.Errors[0].Pointer, key)
	}
}

func TestValidation_TakesOnlyJSON(t *testing.T) {
	t.Parallel()
	e := border(t)
	for mime, status := range map[string]int{
		"application/json": 204, "application/json; charset=utf-8": 204, "Application/JSON": 204,
		"text/plain": 415, "application/x-www-form-urlencoded": 415, "application/jsonx": 415, "": 415, ";": 415,
	} {
		rec := ask(e, "POST", "/v1/offer-comparisons", aPattern, "Content-Type: "+mime)
		require.Equal(t, status, rec.Code, mime)
	}
}

func TestValidation_KeepsTheBytesAndTheWebhookRaw(t *testing.T) {
	t.Parallel()
	k := contract(t)
	e := echo.New()
	e.HTTPErrorHandler = HandleError
	e.Use(k.Manners(), k.Middleware())
	keep := func(c echo.Context) error { return c.Blob(200, "text/plain", RawBody(c.Request().Context())) }
	e.POST("/v1/stripe-events", keep)
	e.POST("/v1/offer-comparisons", keep)

	event := ` {"id":"evt_1","amount":1.50,"id":"evt_1"} ` + strings.Repeat(" ", 2*MaxBody)
	rec := ask(e, "POST", "/v1/stripe-events", event, "Stripe-Signature: t=1,v1=ab")
	require.Equal(t, 200, rec.Code, rec.Body)
	require.Equal(t, event, rec.Body.String())

	rec = ask(e, "POST", "/v1/stripe-events", event)
	require.Equal(t, "header/Stripe-Signature", problem(t, rec).Errors[0].Pointer)

	rec = ask(e, "POST", "/v1/offer-comparisons", " "+aPattern)
	require.Equal(t, " "+aPattern, rec.Body.String())
}

func TestCheckResponse_FindsADriftingAnswer(t *testing.T) {
	t.Parallel()
	k := contract(t)
	get := func(path string) *http.Request { return httptest.NewRequest("GET", path, nil) }
	json := http.Header{"Content-Type": {"application/json"}}
	problems := http.Header{"Content-Type": {ProblemMIME}}
	const empty = `{"items":[],"next_cursor":null}`
	body := func(code string, status int) string {
		return fmt.Sprintf(`{"type":"/problems/x","title":"x","status":%d,"code":%q,"instance":"1"}`, status, code)
	}
	require.NoError(t, k.CheckResponse(get("/v1/offers?limit=1"), 200, json, []byte(empty)))
	require.NoError(t, k.CheckResponse(get("/v1/offers/"+anID), 404, problems, []byte(body("not-found", 404))))
	require.NoError(t, k.CheckResponse(get("/v1/offers"), 500, problems, []byte(body("internal", 500))))
	for name, c := range map[string]struct {
		path   string
		status int
		head   http.Header
		body   string
	}{
		"no such address":     {"/v1/nothing", 200, json, empty},
		"undeclared status":   {"/v1/offers", 202, json, empty},
		"undeclared refusal":  {"/v1/offers", 409, problems, body("conflict", 409)},
		"wrong content type":  {"/v1/offers", 200, http.Header{"Content-Type": {"text/html"}}, empty},
		"problem as json":     {"/v1/offers/" + anID, 404, json, body("not-found", 404)},
		"missing field":       {"/v1/offers", 200, json, `{"items":[]}`},
		"null for a list":     {"/v1/offers", 200, json, `{"items":null,"next_cursor":null}`},
		"bad item":            {"/v1/offers", 200, json, `{"items":[{}],"next_cursor":null}`},
		"unlisted code":       {"/v1/offers/" + anID, 404, problems, body("gone-fishing", 404)},
		"code of other group": {"/v1/offers/" + anID, 404, problems, body("session-full", 404)},
		"not JSON":            {"/v1/offers", 200, json, `{`},
	} {
		require.Error(t, k.CheckResponse(get(c.path), c.status, c.head, []byte(c.body)), name)
	}
}

// with adds a field to an object.
func with(object, field string) string { return object[:len(object)-1] + "," + field + "}" }

func visit(at string) string {
	return `{"child_id":"` + anID + `","offer_id":"` + anID + `","visits":[{"local_start":"` + at + `","minutes":60}]}`
}
