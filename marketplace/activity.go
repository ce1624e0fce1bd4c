package marketplace

import (
	"maps"
	"slices"
)

// Concept is a term of one of OpenActive's published lists.
type Concept struct {
	ID    string // its address in the list
	Label string
}

const (
	activityList = "https://openactive.io/activity-list#"
	supportList  = "https://openactive.io/accessibility-support#"
)

// activities are the categories that have a fitting activity in OpenActive's
// list (read in November 2026). Most of what families need has none, and an
// offer without one stays out of the feeds: a wrong activity would send people
// to the wrong place. The directory carries every offer.
var activities = map[string]Concept{
	"swimming":       {activityList + "2750229d-b725-4171-9276-376be913957c", "Swimming"},
	"hydrotherapy":   {activityList + "5165000e-cd5b-4fd1-b6dc-630c4b989282", "Hydro Therapy"},
	"sport":          {activityList + "26a7b902-1ddd-46fd-9371-853e414c9eb3", "Multisports"},
	"holiday_scheme": {activityList + "051e492d-e053-4d24-a54c-e9de9fc637cf", "Activity Holiday Camp"},
}

// activityCategories are the categories of activities.
var activityCategories = slices.Sorted(maps.Keys(activities))

// supports are the terms of OpenActive's accessibility-support list that our
// needs come under, in the order of the list.
var supports = []struct {
	Concept
	needs []string
}{
	{Concept{supportList + "1393f2dc-3fcc-4be9-a99f-f1e51f5ad277", "Visual impairment"}, []string{"sight_loss"}},
	{Concept{supportList + "2bfb7228-5969-4927-8435-38b5005a8771", "Hearing impairment"}, []string{"hearing_loss"}},
	{Concept{supportList + "dd026873-6713-4ea1-af5a-08901f651d98", "Physical impairment"}, []string{"physical_disability", "wheelchair_user"}},
	{Concept{supportList + "67902468-fd49-4238-8650-20a22d7f0e40", "Learning impairment"}, []string{"learning_disability"}},
	{Concept{supportList + "40b9b11f-bdd3-4aeb-8984-2ecf74a14c7a", "Mental health issues"}, []string{"mental_health"}},
	{Concept{supportList + "69b689d4-be04-4e6d-be56-4ac72ec82444", "Social or behavioural problems"}, []string{"autism", "behaviour"}},
}

// Activity is the offer's activity in OpenActive's list, if it has one.
func (o Offer) Activity() (Concept, bool) {
	c, fits := activities[o.Category]
	return c, fits
}

// Supports are the terms of OpenActive's list for the needs it is ready to meet.
func (o Offer) Supports() (list []Concept) {
	for _, s := range supports {
		if slices.ContainsFunc(s.needs, func(need string) bool { return slices.Contains(o.Needs, need) }) {
			list = append(list, s.Concept)
		}
	}
	return list
}
