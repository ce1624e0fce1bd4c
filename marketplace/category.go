package marketplace

import "slices"

// Category is a kind of support, as a family would look for it. The upper ones
// are the range of short breaks an authority must have (L08), with therapies,
// transport, equipment and personal assistance beside them.
type Category struct {
	Value  string // in the contract
	Parent string // "" at the top
	Name   string // as a heading
	Said   string // in a sentence: "your plan pays for clubs"
	About  string // for somebody who has never met the word
	Group  bool   // only gathers others: an offer names a nearer one
}

// CategoryTree is every category: the upper ones first, then those below each,
// in the order they are shown.
var CategoryTree = []Category{
	{Value: "care_at_home", Name: "Care at home", Said: "care at home", About: "Somebody comes to your home and looks after your child by day.", Group: true},
	{Value: "care_elsewhere", Name: "Care away from home", Said: "care away from home", About: "Your child is looked after somewhere else by day.", Group: true},
	{Value: "overnight", Name: "Overnight stays", Said: "overnight stays", About: "Your child sleeps away from home, or somebody stays awake at yours."},
	{Value: "leisure", Name: "Leisure outside the home", Said: "leisure outside the home", About: "Things to do for fun, with help if it is needed.", Group: true},
	{
		Value: "out_of_school", Name: "Evenings, weekends and holidays", Said: "evenings, weekends and holidays",
		About: "Care and activities for the hours when there is no school.", Group: true,
	},
	{Value: "therapy", Name: "Therapies", Said: "therapies", About: "Treatment by a trained therapist.", Group: true},
	{Value: "personal_assistance", Name: "Personal assistance", Said: "personal assistants", About: "A helper of your own choosing, for the hours you choose."},
	{Value: "transport", Name: "Transport", Said: "transport", About: "Getting there and back."},
	{Value: "equipment", Name: "Equipment", Said: "equipment", About: "Things to buy or borrow."},
	{Value: "other", Name: "Something else", Said: "other activities", About: "Anything that fits none of the others."},

	{Value: "support_worker", Parent: "care_at_home", Name: "Support workers", Said: "support workers", About: "A trained worker helps your child at home or out and about."},
	{Value: "sitting", Parent: "care_at_home", Name: "Sitting", Said: "sitting", About: "Somebody stays with your child while you go out."},
	{Value: "personal_care", Parent: "care_at_home", Name: "Personal care", Said: "personal care", About: "Help with washing, dressing, eating or using the toilet."},
	{Value: "nursing_at_home", Parent: "care_at_home", Name: "Nursing at home", Said: "nursing at home", About: "A nurse, or a worker a nurse has trained, gives medical care."},

	{Value: "day_care", Parent: "care_elsewhere", Name: "Day care", Said: "day care", About: "A nursery, childminder or centre looks after your child."},
	{Value: "family_based_care", Parent: "care_elsewhere", Name: "A carer's home by day", Said: "days at a carer's home", About: "Your child spends the day with another family."},

	{Value: "overnight_residential", Parent: "overnight", Name: "Nights at a short break house", Said: "nights at a short break house", About: "Your child stays in a house with staff."},
	{Value: "overnight_family", Parent: "overnight", Name: "Nights at a carer's home", Said: "nights at a carer's home", About: "Your child stays the night with another family."},

	{Value: "club", Parent: "leisure", Name: "Clubs", Said: "clubs", About: "A group that meets each week."},
	{Value: "swimming", Parent: "leisure", Name: "Swimming", Said: "swimming", About: "Lessons, or time in the pool."},
	{Value: "arts", Parent: "leisure", Name: "Arts, music and drama", Said: "arts", About: "Making, singing, dancing or acting."},
	{Value: "play", Parent: "leisure", Name: "Play", Said: "play", About: "Soft play, sensory play and playgrounds."},
	{Value: "sport", Parent: "leisure", Name: "Sport and outdoors", Said: "sport", About: "Games, riding, climbing, water and woods."},
	{Value: "trip", Parent: "leisure", Name: "Trips", Said: "trips", About: "A day out with enough helpers."},
	{Value: "family_activity", Parent: "leisure", Name: "Family activities", Said: "family activities", About: "Something for all of you together."},

	{Value: "holiday_scheme", Parent: "out_of_school", Name: "Holiday schemes", Said: "holiday schemes", About: "Days of activities in the school holidays."},
	{Value: "after_school_club", Parent: "out_of_school", Name: "After-school clubs", Said: "after-school clubs", About: "From the end of school until the evening."},
	{Value: "breakfast_club", Parent: "out_of_school", Name: "Breakfast clubs", Said: "breakfast clubs", About: "A calm start before school."},
	{Value: "weekend_club", Parent: "out_of_school", Name: "Weekend clubs", Said: "weekend clubs", About: "Saturdays and Sundays."},

	{Value: "hydrotherapy", Parent: "therapy", Name: "Hydrotherapy", Said: "hydrotherapy", About: "Movement in warm water."},
	{Value: "music_therapy", Parent: "therapy", Name: "Music therapy", Said: "music therapy", About: "Music made together with a therapist."},
	{Value: "speech_therapy", Parent: "therapy", Name: "Speech and language therapy", Said: "speech therapy", About: "Help with talking, understanding, eating and drinking."},
	{Value: "occupational_therapy", Parent: "therapy", Name: "Occupational therapy", Said: "occupational therapy", About: "Help with the skills of every day."},
	{Value: "physiotherapy", Parent: "therapy", Name: "Physiotherapy", Said: "physiotherapy", About: "Help with moving, sitting and standing."},
	{Value: "play_therapy", Parent: "therapy", Name: "Play therapy", Said: "play therapy", About: "Help with feelings, through play."},
}

// Categories are the values of all categories; OfferCategories are those an
// offer can be under.
var (
	Categories      = categoryValues(func(Category) bool { return true })
	OfferCategories = categoryValues(func(c Category) bool { return !c.Group })
)

func categoryValues(wanted func(Category) bool) (values []string) {
	for _, c := range CategoryTree {
		if wanted(c) {
			values = append(values, c.Value)
		}
	}
	return values
}

// Descendants is a category and every one below it: who looks for the upper
// one means them all. It is empty for a value that is no category.
func Descendants(category string) []string {
	var found []string
	for _, c := range CategoryTree { // the upper ones come first
		if c.Value == category || slices.Contains(found, c.Parent) {
			found = append(found, c.Value)
		}
	}
	return found
}

// Covers reports whether a category is one of those named, or below one.
func Covers(named []string, category string) bool {
	return slices.ContainsFunc(named, func(upper string) bool { return slices.Contains(Descendants(upper), category) })
}
