package api_test

import "github.com/google/uuid"

// merged is an object with values put in place of its own; nil takes one out.
func merged(o object, more ...object) object {
	for _, m := range more {
		for k, v := range m {
			if v == nil {
				delete(o, k)
			} else {
				o[k] = v
			}
		}
	}
	return o
}

// draftBody is a club of £12.00 a session as a provider sends it.
func draftBody(more ...object) object {
	return merged(object{
		"setting": object{"name": "Willow Hall", "postcode": "ZZ1 1AA"}, "title": "Saturday club", "summary": "Games, music and a garden.",
		"category": "club", "access_route": "universal", "age_from": 5, "age_to": 16, "ratio": object{"staff": 1, "children": 3},
		"instant": true, "cancellation_terms": object{"free_until_hours": 48, "late_fee_percent": 50},
		"tariff": tariffBody(1200),
		"sessions": object{
			"first_date": "2027-03-20", "last_date": "2027-04-10", "weekdays": []int{6}, "from": "10:00", "to": "13:00",
			"except": []string{"2027-04-03"}, "capacity": 12,
		},
	}, more...)
}

// editBody is what a club says, whole, as it was drafted.
func editBody(more ...object) object {
	return merged(object{
		"edition": 1, "title": "Saturday friends", "summary": "Games, music and a garden.", "category": "club", "access_route": "targeted",
		"age_from": 5, "age_to": 16, "ratio": object{"staff": 1, "children": 3}, "instant": true, "content": contentBody(),
	}, more...)
}

func contentBody(more ...object) object {
	return merged(object{
		"needs": []string{"autism", "epilepsy"}, "access_features": []string{"hoist"}, "languages": []string{"english"},
		"included": []string{"A snack"}, "to_bring": []string{"Outdoor shoes"}, "eligibility": "Show your register card on the first day.",
		"personal_care": true, "transport_given": false,
	}, more...)
}

// costingBody is a club of £45,000 a year for 90 children a week.
func costingBody(more ...object) object {
	return merged(object{"worksheet": object{
		"staff": []object{}, "on_costs_hundredths": 0, "costs": []object{{"kind": "other", "name": "The whole club", "pence": 45_000_00}},
		"income": []object{}, "places": 15, "sessions_per_week": 6, "weeks": 50, "session_minutes": 150, "expected_percent": 100, "unit": "session",
	}}, more...)
}

// tariffBody has one option of one charge, whose parts sum to 1200.
func tariffBody(pence int) object {
	return object{"options": []object{{
		"name": "Standard", "who_may_use": "anyone", "payment_timing": "arrears", "billed_on": "booked",
		"charges": []object{{
			"kind": "place", "basis": "per_child", "unit": "session", "when": "planned", "amount_pence": pence, "vat": "exempt",
			"components": []object{
				{"kind": "staff", "amount_pence": 900},
				{"kind": "on_costs", "amount_pence": 200},
				{"kind": "overhead", "amount_pence": 300},
				{"kind": "subsidy", "amount_pence": -200, "note": "A grant"},
			},
		}},
	}}}
}

func lineBody(child uuid.UUID, more ...object) object {
	return merged(object{
		"child_id": child, "plan_type": "ehc", "description": "One activity each Saturday", "categories": []string{"club", "swimming"},
		"pays_kinds": []string{"place", "support"}, "management_option": "notional", "unit": "pence", "limit": 180_000,
		"shares":    []object{{"stream": "social_care", "weight": 60}, {"stream": "health", "weight": 40}},
		"starts_on": "2026-04-01", "ends_on": "2027-03-31", "outcome": "She has a friend outside school",
	}, more...)
}
