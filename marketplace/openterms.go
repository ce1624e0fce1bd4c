package marketplace

import (
	"slices"

	"github.com/google/uuid"

	"shortbreaks"
)

// openNames is the namespace of the ids that open data gives to what has none
// here: the same thing has the same id for good, on every installation.
var openNames = uuid.MustParse("6a4c1f2e-53b7-5d0a-9e61-0c8f7b2d4e19")

// DerivedID is the id of something that belongs to another and has no row of
// its own, such as a schedule of an offer (a UUID of version 5).
func DerivedID(parts ...string) uuid.UUID {
	name := ""
	for _, p := range parts {
		name += p + "\n"
	}
	return uuid.NewSHA1(openNames, []byte(name))
}

// Taxonomy is a list of words that offers are described by.
type Taxonomy struct {
	ID    uuid.UUID
	Value string // here
	Name  string
	About string
}

// OpenTerm is a word of a taxonomy.
type OpenTerm struct {
	ID       uuid.UUID
	Taxonomy *Taxonomy
	Value    string // in the contract
	Name     string
	About    string
	Parent   *uuid.UUID
}

// The taxonomies, and every term of each in the order they are shown.
var (
	kindsOfBreak  = taxonomy("category", "Kinds of short break", "What is offered. The upper ones are the range of short breaks an authority must have.")
	waysIn        = taxonomy("access_route", "Ways to get a place", "Who may use it, and whether an assessment comes first.")
	needsMet      = taxonomy("need", "Needs met", "What the provider is ready for.")
	accessThere   = taxonomy("access_feature", "Access", "How one gets in and around, and what the place has.")
	Taxonomies    = []*Taxonomy{kindsOfBreak, waysIn, needsMet, accessThere}
	OpenTerms     = allTerms()
	languageNames = map[string]string{
		"english": "English", "british_sign_language": "British Sign Language", "makaton": "Makaton", "arabic": "Arabic", "bengali": "Bengali",
		"chinese": "Chinese", "french": "French", "gujarati": "Gujarati", "polish": "Polish", "portuguese": "Portuguese", "punjabi": "Punjabi",
		"romanian": "Romanian", "somali": "Somali", "spanish": "Spanish", "tamil": "Tamil", "turkish": "Turkish", "ukrainian": "Ukrainian",
		"urdu": "Urdu", "welsh": "Welsh",
	}
	languageCodes = map[string]string{
		"english": "en", "british_sign_language": "bfi", "arabic": "ar", "bengali": "bn", "chinese": "zh", "french": "fr", "gujarati": "gu", "polish": "pl",
		"portuguese": "pt", "punjabi": "pa", "romanian": "ro", "somali": "so", "spanish": "es", "tamil": "ta", "turkish": "tr", "ukrainian": "uk",
		"urdu": "ur", "welsh": "cy",
	}
)

func taxonomy(value, name, about string) *Taxonomy {
	return &Taxonomy{ID: DerivedID("taxonomy", value), Value: value, Name: name, About: about}
}

// needNames and featureNames are the words of Needs and AccessFeatures for
// somebody who has never met them.
var (
	needNames = map[string][2]string{
		"autism":              {"Autism", "Autistic children and young people."},
		"learning_disability": {"Learning disability", "Children who learn more slowly than others of their age."},
		"physical_disability": {"Physical disability", "Children who move in another way or need help to move."},
		"wheelchair_user":     {"Wheelchair users", "Children who use a wheelchair, always or sometimes."},
		"sight_loss":          {"Sight loss", "Blind and partially sighted children."},
		"hearing_loss":        {"Hearing loss", "Deaf children and those who are hard of hearing."},
		"sensory_processing":  {"Sensory needs", "Children for whom sound, light or touch can be too much or too little."},
		"communication":       {"Communication", "Children who speak little, or with signs, pictures or a device."},
		"behaviour":           {"Behaviour that challenges", "Children who may hurt themselves or others when they are upset."},
		"mental_health":       {"Mental health", "Children with worries, low mood or another mental health need."},
		"medical":             {"Medical needs", "Children who need medicine or a medical device by day."},
		"epilepsy":            {"Epilepsy", "Children who have seizures; staff know what to do."},
		"tube_feeding":        {"Tube feeding", "Children fed through a tube."},
		"life_limiting":       {"Life-limiting conditions", "Children who are not expected to grow old."},
	}
	featureNames = map[string][2]string{
		"step_free":            {"Step-free", "No steps from the street to the activity."},
		"lift":                 {"Lift", "A lift to every floor that is used."},
		"accessible_toilet":    {"Accessible toilet", "A toilet with room for a wheelchair."},
		"changing_place":       {"Changing place", "A toilet with a hoist, a bench for an adult and room for two helpers."},
		"hoist":                {"Hoist", "A hoist, and staff who can use it."},
		"quiet_room":           {"Quiet room", "A room to be calm in."},
		"sensory_room":         {"Sensory room", "A room with lights, sounds and things to touch."},
		"low_noise":            {"Low noise", "Noise is kept down."},
		"hearing_loop":         {"Hearing loop", "A loop for hearing aids."},
		"sign_language":        {"Sign language", "Somebody there signs."},
		"visual_timetable":     {"Visual timetable", "Pictures show what comes next."},
		"secure_site":          {"Secure site", "Doors and gates a child cannot leave by alone."},
		"parking":              {"Parking", "Parking for Blue Badge holders."},
		"accessible_transport": {"Accessible transport", "A vehicle that takes wheelchairs."},
		"assistance_dogs":      {"Assistance dogs", "Assistance dogs are welcome."},
	}
)

func allTerms() (list []OpenTerm) {
	for _, c := range CategoryTree {
		t := term(kindsOfBreak, c.Value, c.Name, c.About)
		if c.Parent != "" {
			parent := termID(kindsOfBreak, c.Parent)
			t.Parent = &parent
		}
		list = append(list, t)
	}
	for _, route := range AccessRoutes {
		list = append(list, term(waysIn, route, shortbreaks.Capital(route), eligibilityOf[route]))
	}
	for _, need := range Needs {
		list = append(list, term(needsMet, need, needNames[need][0], needNames[need][1]))
	}
	for _, feature := range AccessFeatures {
		list = append(list, term(accessThere, feature, featureNames[feature][0], featureNames[feature][1]))
	}
	return list
}

func term(of *Taxonomy, value, name, about string) OpenTerm {
	return OpenTerm{ID: termID(of, value), Taxonomy: of, Value: value, Name: name, About: about}
}

func termID(of *Taxonomy, value string) uuid.UUID { return DerivedID("term", of.Value, value) }

// FindTaxonomy is the one with this id, or not-found.
func FindTaxonomy(id uuid.UUID) (*Taxonomy, error) {
	i := slices.IndexFunc(Taxonomies, func(t *Taxonomy) bool { return t.ID == id })
	if i < 0 {
		return nil, shortbreaks.ErrNotFound.With("There is no such taxonomy.")
	}
	return Taxonomies[i], nil
}

// FindTerm is the term with this id, or not-found.
func FindTerm(id uuid.UUID) (*OpenTerm, error) {
	i := slices.IndexFunc(OpenTerms, func(t OpenTerm) bool { return t.ID == id })
	if i < 0 {
		return nil, shortbreaks.ErrNotFound.With("There is no such term.")
	}
	return &OpenTerms[i], nil
}

// Terms are those an offer is described by: its category with the upper one,
// its way in, and needs. What the place has is Access.
func (o Offer) Terms() (list []OpenTerm) {
	for _, t := range OpenTerms {
		switch {
		case t.Taxonomy == kindsOfBreak && Covers([]string{t.Value}, o.Category),
			t.Taxonomy == waysIn && t.Value == o.AccessRoute,
			t.Taxonomy == needsMet && slices.Contains(o.Needs, t.Value):
			list = append(list, t)
		}
	}
	return list
}

// Access are the terms for what the offer's place has.
func (o Offer) Access() (list []OpenTerm) {
	for _, t := range OpenTerms {
		if t.Taxonomy == accessThere && slices.Contains(o.AccessFeatures, t.Value) {
			list = append(list, t)
		}
	}
	return list
}

// LanguageName is a language as people name it, with its code (BCP 47), ""
// where it has none.
func LanguageName(value string) (name, code string) {
	return languageNames[value], languageCodes[value]
}
