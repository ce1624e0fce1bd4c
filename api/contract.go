package api

import (
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"shortbreaks"
)

// Contract is openapi.yaml as the border uses it: which operation an address
// is, who may use it, what a request and an answer must look like, and every
// code a problem may carry.
type Contract struct {
	doc        *openapi3.T
	operations []*Operation // by id
	byRoute    map[string]*Operation
	codes      map[string]ProblemCode
}

// Operation is one operation of the contract.
type Operation struct {
	ID         string             // operationId
	Method     string             // GET, POST, PUT
	Path       string             // as in the contract: /v1/offers/{offer_id}
	Roles      []shortbreaks.Role // who may use it; empty if Public
	Public     bool               // needs no sign-in
	Idempotent bool               // takes places or money: needs an Idempotency-Key
	Raw        bool               // its body is taken as bytes, past the strict decoder

	route      *routers.Route
	body       *openapi3.Schema // nil if it takes no body
	files      []string         // content types of a raw body that is a file
	exactlyOne [][]string       // groups of fields of which one must be given
}

// ProblemCode is what the contract says about one kind of refusal.
type ProblemCode struct {
	Code     string `json:"code"`
	Status   int    `json:"status"`
	Title    string `json:"title"`
	WhatToDo string `json:"what_to_do"`
}

// roles are those the contract may name.
var roles = []shortbreaks.Role{
	shortbreaks.Family, shortbreaks.Practitioner, shortbreaks.Approver, shortbreaks.Finance,
	shortbreaks.Commissioner, shortbreaks.ProviderOwner, shortbreaks.Coordinator, shortbreaks.Worker, shortbreaks.Auditor,
}

// loadContract reads the embedded document once; it never changes afterwards.
var loadContract = sync.OnceValues(func() (*Contract, error) { return readContract(shortbreaks.OpenAPI) })

// NewContract reads the embedded contract. It fails if an operation names no
// roles, so that none can be forgotten.
func NewContract() (*Contract, error) { return loadContract() }

func readContract(text []byte) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("reading the contract: %w", err)
	}
	k := &Contract{doc: doc, byRoute: map[string]*Operation{}}
	if k.codes, err = readCodes(doc.Extensions["x-problem-codes"]); err != nil {
		return nil, err
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			o, err := readOperation(doc, method, path, item, operation)
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
			k.operations = append(k.operations, o)
			k.byRoute[method+" "+echoPath(path)] = o
		}
	}
	sort.Slice(k.operations, func(i, j int) bool { return k.operations[i].ID < k.operations[j].ID })
	return k, nil
}

func readOperation(doc *openapi3.T, method, path string, item *openapi3.PathItem, in *openapi3.Operation) (*Operation, error) {
	o := &Operation{ID: in.OperationID, Method: method, Path: path}
	o.Idempotent, _ = in.Extensions["x-idempotent"].(bool)
	o.Raw, _ = in.Extensions["x-raw-body"].(bool)
	o.route = &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: in}
	if err := o.readRoles(in); err != nil {
		return nil, err
	}
	if in.RequestBody == nil {
		return o, nil
	}
	media := in.RequestBody.Value.Content["application/json"]
	if o.files = texts(in.Extensions["x-file-types"]); o.Raw && len(o.files) > 0 {
		return o, nil
	}
	if media == nil {
		return nil, fmt.Errorf("its body is not JSON")
	}
	o.body = media.Schema.Value
	if groups, given := o.body.Extensions["x-exactly-one-of"].([]any); given {
		for _, group := range groups {
			o.exactlyOne = append(o.exactlyOne, texts(group))
		}
	}
	return o, nil
}

// readRoles holds x-roles against security: public and open go together.
func (o *Operation) readRoles(in *openapi3.Operation) error {
	named := texts(in.Extensions["x-roles"])
	if len(named) == 0 {
		return fmt.Errorf("names no roles")
	}
	open := in.Security != nil && len(*in.Security) == 0
	o.Public = slices.Equal(named, []string{"public"})
	if o.Public != open {
		return fmt.Errorf("x-roles and security disagree on whether it is public")
	}
	for _, name := range named {
		role := shortbreaks.Role(name)
		if o.Public {
			return nil
		}
		if !slices.Contains(roles, role) {
			return fmt.Errorf("names an unknown role %q", name)
		}
		o.Roles = append(o.Roles, role)
	}
	return nil
}

func readCodes(extension any) (map[string]ProblemCode, error) {
	listed, _ := extension.(map[string]any)
	codes := map[string]ProblemCode{}
	for code, about := range listed {
		fields, _ := about.(map[string]any)
		c := ProblemCode{Code: code}
		status, _ := fields["status"].(float64)
		c.Status = int(status)
		c.Title, _ = fields["title"].(string)
		c.WhatToDo, _ = fields["what_to_do"].(string)
		if c.Status < 400 || c.Title == "" || c.WhatToDo == "" {
			return nil, fmt.Errorf("x-problem-codes: %s lacks its status, title or what_to_do", code)
		}
		codes[code] = c
	}
	if len(codes) == 0 {
		return nil, fmt.Errorf("the contract lists no problem codes")
	}
	return codes, nil
}

// Operations are all operations of the contract, by id.
func (k *Contract) Operations() []*Operation { return slices.Clone(k.operations) }

// Operation is the one with this id, or nil.
func (k *Contract) Operation(id string) *Operation {
	for _, o := range k.operations {
		if o.ID == id {
			return o
		}
	}
	return nil
}

// OperationOf is the operation a request was routed to, or nil for an address
// that is not part of the contract.
func (k *Contract) OperationOf(c echo.Context) *Operation {
	return k.byRoute[c.Request().Method+" "+c.Path()]
}

// Roles are those that may use an operation; empty for a public one and for
// one that does not exist.
func (k *Contract) Roles(id string) []shortbreaks.Role {
	if o := k.Operation(id); o != nil {
		return slices.Clone(o.Roles)
	}
	return nil
}

// Codes are all problem codes, by status and then by name.
func (k *Contract) Codes() []ProblemCode {
	out := make([]ProblemCode, 0, len(k.codes))
	for _, c := range k.codes {
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Status != out[j].Status {
			return out[i].Status < out[j].Status
		}
		return out[i].Code < out[j].Code
	})
	return out
}

// find is the operation an address stands for, with its path parameters.
// Requests are matched by Echo; this serves checks that have no server.
func (k *Contract) find(req *http.Request) (*Operation, map[string]string) {
	given := strings.Split(req.URL.Path, "/")
	for _, o := range k.operations {
		want := strings.Split(o.Path, "/")
		if o.Method != req.Method || len(want) != len(given) {
			continue
		}
		params := map[string]string{}
		for i, part := range want {
			if strings.HasPrefix(part, "{") {
				params[strings.Trim(part, "{}")] = given[i]
			} else if part != given[i] {
				params = nil
				break
			}
		}
		if params != nil {
			return o, params
		}
	}
	return nil, nil
}

// echoPath writes a path of the contract as Echo does.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

func texts(list any) []string {
	values, _ := list.([]any)
	out := make([]string, 0, len(values))
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
