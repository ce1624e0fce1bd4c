package api

import (
	"shortbreaks/api/gen"
)

// countsOf is how an offer counts companions; a kind left out may not come.
func countsOf(c *gen.CompanionPlaces) map[string]int {
	if c == nil {
		return nil
	}
	return present(map[string]*int{"sibling": c.Sibling, "carer": c.Carer, "personal_assistant": c.PersonalAssistant})
}

func countsOut(counts map[string]int) *gen.CompanionPlaces {
	if len(counts) == 0 {
		return nil
	}
	return &gen.CompanionPlaces{Sibling: named(counts, "sibling"), Carer: named(counts, "carer"), PersonalAssistant: named(counts, "personal_assistant")}
}

func companionsOf(c *gen.Companions) map[string]int {
	if c == nil {
		return nil
	}
	return present(map[string]*int{"sibling": c.Sibling, "carer": c.Carer, "personal_assistant": c.PersonalAssistant})
}

func companionsOut(counts map[string]int) *gen.Companions {
	if len(counts) == 0 {
		return nil
	}
	return &gen.Companions{Sibling: named(counts, "sibling"), Carer: named(counts, "carer"), PersonalAssistant: named(counts, "personal_assistant")}
}

// present keeps the numbers that were given.
func present(given map[string]*int) map[string]int {
	counts := map[string]int{}
	for kind, n := range given {
		if n != nil {
			counts[kind] = *n
		}
	}
	return counts
}

func named(counts map[string]int, kind string) *int {
	n, ok := counts[kind]
	if !ok {
		return nil
	}
	return &n
}
