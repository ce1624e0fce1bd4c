package api

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"shortbreaks"
)

// faults gathers what is wrong with a request, one entry for each place, in
// words for people. What the caller sent is never repeated.
type faults struct {
	fields []shortbreaks.Field
	at     map[string]bool
}

// put notes a fault unless its place already has one: the first says enough.
func (f *faults) put(pointer, detail string) {
	if f.at[pointer] || len(f.fields) >= maxFields {
		return
	}
	f.at[pointer] = true
	f.fields = append(f.fields, shortbreaks.Field{Pointer: pointer, Detail: detail})
}

// add takes apart what the validator or the strict decoder found. in is the
// parameter it was found in, nil for the body.
func (f *faults) add(in *openapi3.Parameter, err error) {
	switch e := err.(type) { //nolint:errorlint // each wrapper is unpacked by its own type
	case nil:
	case openapi3.MultiError:
		for _, one := range e {
			f.add(in, one)
		}
	case *openapi3filter.RequestError:
		f.addRequestError(e)
	case *openapi3.SchemaError:
		f.addSchemaError(in, e)
	case *shortbreaks.Error:
		for _, field := range e.Fields {
			f.put(field.Pointer, field.Detail)
		}
	default:
		f.put(place(in, nil), "This cannot be read.")
	}
}

func (f *faults) addRequestError(e *openapi3filter.RequestError) {
	switch {
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		f.put(place(e.Parameter, nil), "This is missing.")
	case errors.Is(e.Err, openapi3filter.ErrInvalidEmptyValue):
		f.put(place(e.Parameter, nil), "This is empty.")
	case isParseError(e.Err) && e.Parameter != nil && e.Parameter.Schema != nil:
		f.put(place(e.Parameter, nil), mustBe(e.Parameter.Schema.Value))
	default:
		f.add(e.Parameter, e.Err)
	}
}

func isParseError(err error) bool {
	var parse *openapi3filter.ParseError
	return errors.As(err, &parse)
}

func (f *faults) addSchemaError(in *openapi3.Parameter, e *openapi3.SchemaError) {
	path := e.JSONPointer()
	if e.SchemaField == "properties" {
		f.addUnknown(in, path, e)
		return
	}
	f.put(place(in, path), explain(e))
}

// addUnknown names every field of one object that the contract does not know.
// The validator reports each apart, but with the object's path and not its name.
func (f *faults) addUnknown(in *openapi3.Parameter, path []string, e *openapi3.SchemaError) {
	object, _ := e.Value.(map[string]any)
	var unknown []string
	for name := range object {
		if _, known := e.Schema.Properties[name]; !known {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	for _, name := range unknown {
		f.put(place(in, append(path[:len(path):len(path)], name)), "This is not a field of this request.")
	}
}

// place is a JSON pointer into the body, or where the parameter stands.
func place(in *openapi3.Parameter, path []string) string {
	if in == nil {
		return pointer(path)
	}
	return in.In + "/" + in.Name + pointer(path)
}

// explain says what a value must be.
func explain(e *openapi3.SchemaError) string {
	s := e.Schema
	switch e.SchemaField {
	case "required":
		return "This is missing."
	case "nullable":
		return "This may not be null."
	case "enum":
		return "This must be one of " + oneOf(s.Enum) + "."
	case "minimum":
		return fmt.Sprintf("This must be at least %.0f.", *s.Min)
	case "maximum":
		return fmt.Sprintf("This must be at most %.0f.", *s.Max)
	case "minLength":
		return "This must have at least " + counted(s.MinLength, "character") + "."
	case "maxLength":
		return "This must have at most " + counted(*s.MaxLength, "character") + "."
	case "minItems":
		return "This must have at least " + counted(s.MinItems, "value") + "."
	case "maxItems":
		return "This must have at most " + counted(*s.MaxItems, "value") + "."
	case "uniqueItems":
		return "This may not have the same entry twice."
	}
	return mustBe(s)
}

func counted(n uint64, word string) string { return shortbreaks.Plural(int(n), word) } //nolint:gosec // the contract's numbers are small

// mustBe describes a type or form, with the contract's example if it has one.
func mustBe(s *openapi3.Schema) string {
	what := "This must be of the right form"
	switch {
	case s.Format == "uuid":
		return "This must be a UUID."
	case s.Format == "date":
		return "This must be a date such as 2027-01-09."
	case s.Format == "date-time":
		return "This must be a time such as 2027-01-09T10:00:00Z."
	case s.Type.Is(openapi3.TypeInteger):
		return "This must be a whole number."
	case s.Type.Is(openapi3.TypeBoolean):
		return "This must be true or false."
	case s.Type.Is(openapi3.TypeArray):
		return "This must be a list."
	case s.Type.Is(openapi3.TypeObject):
		return "This must be an object."
	case s.Type.Is(openapi3.TypeString) && s.Pattern == "" && s.Format == "":
		return "This must be text."
	}
	if example, ok := s.Example.(string); ok {
		what += ", such as " + example
	}
	return what + "."
}

func oneOf(values []any) string {
	names := make([]string, 0, len(values))
	for _, v := range values {
		names = append(names, fmt.Sprint(v))
	}
	return strings.Join(names, ", ")
}
