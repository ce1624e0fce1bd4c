package demo

import (
	"strings"

	"shortbreaks/marketplace"
)

// about is what an offer of the demo says of itself, lists as words and lines
// parted by semicolons.
type about struct {
	needs, access, languages string
	included, bring          string
	eligibility              string
	care, lift               bool // personal care; a lift there or back
}

// content is the offer's, whole.
func (a about) content() marketplace.Content {
	lines := func(text string) (list []string) {
		for _, line := range strings.Split(text, ";") {
			if line = strings.TrimSpace(line); line != "" {
				list = append(list, line)
			}
		}
		return list
	}
	return marketplace.Content{
		Needs: words(a.needs), AccessFeatures: words(a.access), Languages: words("english " + a.languages),
		Included: lines(a.included), ToBring: lines(a.bring), Eligibility: a.eligibility, PersonalCare: a.care, TransportGiven: a.lift,
	}
}

// What many offers have in common.
const (
	anyNeed    = "autism learning_disability physical_disability wheelchair_user sight_loss hearing_loss communication behaviour epilepsy"
	quietNeeds = "autism learning_disability sensory_processing communication"
	waterNeeds = "physical_disability wheelchair_user learning_disability autism"
	level      = "step_free accessible_toilet parking"
	pool       = "step_free accessible_toilet changing_place hoist parking"
	swimThings = "Swimming things and a towel; A swim nappy if your child wears one"
	card       = "For disabled children. Show a register card, or a letter from a school or a doctor, on the first day."
	byPlan     = "For children whose plan pays for it. Ask your practitioner for an assessment first."
)

// contents are by the offer's title.
var contents = map[string]about{
	"Support at home and out and about":       {needs: anyNeed, access: "accessible_transport", languages: "makaton urdu", included: "Travel of the worker to you; A plan written with you", bring: "A key or somebody at home; Bus fare for your child", eligibility: card, care: true, lift: true},
	"Personal care at home":                   {needs: anyNeed + " medical tube_feeding", access: "hoist", languages: "polish", included: "Two trained workers if a hoist is used; Gloves and aprons", bring: "Your own hoist and sling; Medicines in their packs", eligibility: byPlan, care: true},
	"Sitting service":                         {needs: quietNeeds + " epilepsy", access: "low_noise", languages: "british_sign_language", included: "A first visit to meet you, free; Games to play", bring: "A number you can be reached on", eligibility: card},
	"Nursery nurse at home, three hours":      {needs: quietNeeds + " physical_disability", access: "low_noise", included: "Toys and books; A page on what was done", bring: "A quiet room; A snack", eligibility: card, care: true},
	"Saturday activity club":                  {needs: anyNeed + " sensory_processing", access: level + " quiet_room visual_timetable changing_place", languages: "makaton", included: "A snack and a drink; All materials; Cooking what is eaten", bring: "Outdoor shoes; A set of clean clothes", eligibility: card, care: true, lift: true},
	"Saturday drop-in":                        {needs: quietNeeds, access: level + " sensory_room", languages: "bengali", included: "Tea for parents; Soft play and music", bring: "Socks", eligibility: "Open to all children and their families. You need not book, and brothers and sisters are welcome."},
	"Saturday youth club by the quarter":      {needs: quietNeeds + " behaviour mental_health", access: level + " quiet_room", included: "Every trip in the quarter; A say in the plan", bring: "Pocket money for a drink", eligibility: card},
	"Wednesday youth club":                    {needs: quietNeeds + " physical_disability wheelchair_user", access: level + " hearing_loop", included: "Supper that we cook together", bring: "An apron", eligibility: card},
	"Structured swimming":                     {needs: waterNeeds + " sight_loss hearing_loss", access: pool, languages: "british_sign_language", included: "Two teachers in the water; Floats and armbands", bring: swimThings, eligibility: card},
	"Hydrotherapy half hour":                  {needs: waterNeeds + " medical", access: pool, included: "A physiotherapist's plan; Your carer comes in free", bring: swimThings, eligibility: byPlan, care: true},
	"Hydrotherapy session":                    {needs: waterNeeds + " medical", access: pool + " low_noise", included: "The whole pool for five children; Warm towels", bring: swimThings + "; Your own carer", eligibility: byPlan},
	"Family hydrotherapy":                     {needs: waterNeeds, access: pool, included: "The pool for your family and five others", bring: swimThings, eligibility: card},
	"Holiday play scheme, by the day":         {needs: anyNeed + " medical tube_feeding", access: level + " changing_place hoist quiet_room secure_site", languages: "makaton", included: "Lunch; All activities; A nurse on call", bring: "Sun hat and cream; Medicines in their packs", eligibility: card, care: true},
	"Holiday club, by the week":               {needs: "autism learning_disability hearing_loss", access: level, included: "All activities; A trip on Friday", bring: "A packed lunch; A rain coat", eligibility: "Open to all children. Tell us what helps your child and we plan for it."},
	"Long holiday day":                        {needs: "autism learning_disability communication", access: level + " secure_site", included: "Breakfast, lunch and tea", bring: "A change of clothes", eligibility: "Open to all children. Tell us what helps your child and we plan for it."},
	"After-school club with tea":              {needs: "autism learning_disability behaviour", access: level, languages: "polish", included: "A hot tea; Help with homework", bring: "Nothing but the school bag", eligibility: "Open to all children of the school and of schools near it."},
	"After-school hour":                       {needs: quietNeeds, access: level + " quiet_room low_noise", included: "Water and fruit; A calm room", bring: "Headphones if your child wears them", eligibility: "Open to all children of the school and of schools near it."},
	"Breakfast club":                          {needs: quietNeeds, access: level, included: "Toast, cereal and fruit; The walk to class", bring: "The school bag, packed", eligibility: "Open to all children of the school."},
	"Music therapy":                           {needs: quietNeeds + " mental_health life_limiting", access: "step_free accessible_toilet quiet_room low_noise", included: "Instruments; Notes after each time", bring: "A tune your child likes", eligibility: byPlan},
	"Choir for everyone":                      {needs: anyNeed, access: level + " hearing_loop sign_language", languages: "british_sign_language makaton welsh", included: "Song sheets, in large print too", bring: "Your voice, or your hands", eligibility: "Open to everybody of the ages shown. You need not be able to sing."},
	"Theme park day":                          {needs: quietNeeds + " physical_disability wheelchair_user", access: "accessible_transport step_free accessible_toilet", included: "The minibus; A pass for the queues; A helper for two", bring: "A packed lunch; A rain coat", eligibility: card, care: true, lift: true},
	"Outdoor Sundays":                         {needs: quietNeeds + " behaviour", access: "accessible_toilet parking", included: "Canoes and life jackets; Food cooked on the fire", bring: "Old clothes and wellingtons; Dry clothes for after", eligibility: card},
	"Personal assistant":                      {needs: quietNeeds + " epilepsy", access: "accessible_transport", included: "My car, for short trips; Epilepsy first aid", bring: "Emergency medicine, if your child has it", eligibility: card, care: true, lift: true},
	"Personal assistant, direct payment rate": {needs: quietNeeds + " epilepsy", access: "accessible_transport", included: "Regular hours each week", bring: "Emergency medicine, if your child has it", eligibility: "For families with a direct payment.", care: true},
	"Council holiday play scheme":             {needs: anyNeed, access: level + " changing_place hoist accessible_transport", languages: "makaton urdu", included: "Lunch; A seat on the accessible bus", bring: "Sun hat and cream; A set of clean clothes", eligibility: "For disabled children who live in Brackenvale. Show a register card on the first day.", care: true, lift: true},
	"Complex needs support":                   {needs: "medical epilepsy tube_feeding life_limiting physical_disability wheelchair_user", access: "hoist", included: "A nurse on the telephone at all hours; Training on your child's own equipment", bring: "The care plan; Medicines and feeds in their packs", eligibility: byPlan, care: true, lift: true},
}
