package stripedouble

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// params reads form parameters by name, remembers which were asked for, and
// keeps the first refusal; so a reader states its rules in a row and asks for
// the verdict once, with refusal.
type params struct {
	values url.Values
	known  map[string]bool
	first  *apiError
}

func newParams(values url.Values) *params {
	return &params{values: values, known: map[string]bool{}}
}

// refusal is what is wrong: unknown names before wrong values, as Stripe
// looks at them in that order.
func (p *params) refusal() *apiError {
	var unknown []string
	for name := range p.values {
		if !p.known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return unknownParams(unknown)
	}
	return p.first
}

func (p *params) refuse(e *apiError) {
	if p.first == nil {
		p.first = e
	}
}

// text is an optional parameter: nil if absent. Present but empty is refused.
// Of a repeated name the last counts.
func (p *params) text(name string, longest int) *string {
	p.known[name] = true
	all, ok := p.values[name]
	if !ok {
		return nil
	}
	v := all[len(all)-1]
	switch {
	case v == "":
		p.refuse(invalid("parameter_invalid_empty", name, "'"+name+"' is empty; leave it out instead."))
	case utf8.RuneCountInString(v) > longest:
		p.refuse(invalid("", name, fmt.Sprintf("'%s' is longer than %d characters.", name, longest)))
	}
	return &v
}

// need is a parameter that must be there.
func (p *params) need(name string, longest int) string {
	v := p.text(name, longest)
	if v == nil {
		p.refuse(invalid("parameter_missing", name, "Missing required param: "+name+"."))
		return ""
	}
	return *v
}

// oneOf is an optional parameter with a closed list of values.
func (p *params) oneOf(name string, allowed ...string) *string {
	v := p.text(name, 100)
	if v == nil {
		return nil
	}
	if !slices.Contains(allowed, *v) {
		p.refuse(invalid("", name, "'"+name+"' must be one of "+strings.Join(allowed, ", ")+" here."))
	}
	return v
}

// integer is an optional whole number of at least least; nil if absent.
func (p *params) integer(name string, least int64) *int64 {
	v := p.text(name, 100)
	if v == nil || *v == "" {
		return nil
	}
	n, err := strconv.ParseInt(*v, 10, 64)
	switch {
	case err != nil:
		p.refuse(invalid("parameter_invalid_integer", name, "Invalid integer: "+*v))
	case n < least:
		p.refuse(invalid("parameter_invalid_integer", name, fmt.Sprintf("'%s' must be at least %d.", name, least)))
	}
	return &n
}

func (p *params) needInteger(name string, least int64) int64 {
	n := p.integer(name, least)
	if n == nil {
		p.refuse(invalid("parameter_missing", name, "Missing required param: "+name+"."))
		return 0
	}
	return *n
}

// address is an optional absolute web address.
func (p *params) address(name string) *string {
	v := p.text(name, 5000)
	if v == nil {
		return nil
	}
	// The placeholder Stripe replaces on the way back is no valid URL text.
	u, err := url.Parse(strings.ReplaceAll(*v, sessionPlaceholder, "cs"))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		p.refuse(invalid("url_invalid", name, "'"+name+"' is not an absolute http or https address."))
	}
	return v
}

var metadataName = regexp.MustCompile(`^\[([^\[\]]*)\]$`)

// metadata reads name[key]=value with Stripe's limits: 50 keys of 40
// characters, values of 500. Empty values set nothing.
func (p *params) metadata(name string) map[string]string {
	m := map[string]string{}
	for full, all := range p.values {
		rest, ok := strings.CutPrefix(full, name)
		if !ok {
			continue
		}
		key := metadataName.FindStringSubmatch(rest)
		if key == nil {
			continue // left unknown, so refused
		}
		p.known[full] = true
		v := all[len(all)-1]
		switch {
		case key[1] == "" || utf8.RuneCountInString(key[1]) > 40:
			p.refuse(invalid("", full, "Metadata keys have 1 to 40 characters."))
		case utf8.RuneCountInString(v) > 500:
			p.refuse(invalid("", full, "Metadata values have at most 500 characters."))
		case v != "":
			m[key[1]] = v
		}
	}
	if len(m) > 50 {
		p.refuse(invalid("", name, "Metadata has at most 50 keys."))
	}
	return m
}

// list reads a list whose values are all among allowed.
func (p *params) list(name string, allowed ...string) []string {
	all := p.anyList(name)
	for _, v := range all {
		if !slices.Contains(allowed, v) {
			p.refuse(invalid("", name, "'"+v+"' cannot stand in '"+name+"' here."))
		}
	}
	return all
}

// anyList reads name[0], name[1], ... and name[].
func (p *params) anyList(name string) []string {
	var out []string
	add := func(full string) {
		p.known[full] = true
		out = append(out, p.values[full]...)
	}
	if p.values.Has(name + "[]") {
		add(name + "[]")
	}
	for i := 0; p.values.Has(fmt.Sprintf("%s[%d]", name, i)); i++ {
		add(fmt.Sprintf("%s[%d]", name, i))
	}
	return out
}

// anyUnder says whether any parameter name begins with prefix.
func (p *params) anyUnder(prefix string) bool {
	for name := range p.values {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
