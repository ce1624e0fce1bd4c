package booking

import (
	"time"

	"shortbreaks"
)

// NewsKind is a kind of thing people are told about a booking.
type NewsKind string

// What people are told. The words are neutral: they say what became of a date
// and never why.
const (
	NewsAsked              NewsKind = "asked"
	NewsBooked             NewsKind = "booked"
	NewsAccepted           NewsKind = "accepted"
	NewsDeclined           NewsKind = "declined"
	NewsExpired            NewsKind = "expired"
	NewsGroupRuns          NewsKind = "group_runs"
	NewsGroupCalledOff     NewsKind = "group_called_off"
	NewsCancelledByFamily  NewsKind = "cancelled_by_family"
	NewsCancelledProvider  NewsKind = "cancelled_by_provider"
	NewsCancelledAuthority NewsKind = "cancelled_by_authority"
	NewsMoved              NewsKind = "moved"
	NewsPlaceOffered       NewsKind = "place_offered"
	NewsRegisterFiled      NewsKind = "register_filed"
	NewsQueried            NewsKind = "queried"
	NewsQueryWithdrawn     NewsKind = "query_withdrawn"
	NewsAgreed             NewsKind = "agreed"
	NewsSettled            NewsKind = "settled"
	NewsMessage            NewsKind = "message"
	NewsDayBefore          NewsKind = "day_before"
	NewsRequestWaiting     NewsKind = "request_waiting"
	NewsAgreeSoon          NewsKind = "agree_soon"
	NewsYesNeeded          NewsKind = "yes_needed"
	NewsWantedFound        NewsKind = "wanted_found"
	NewsRoundPlaced        NewsKind = "round_placed"
	NewsRoundNotPlaced     NewsKind = "round_not_placed"
	NewsRoundCalledOff     NewsKind = "round_called_off"
	NewsEntered            NewsKind = "entered"
	NewsCreditEnding       NewsKind = "credit_ending"
	NewsTicketEnding       NewsKind = "ticket_ending"
	NewsAskWaiting         NewsKind = "ask_waiting"
	NewsEmergencyWaiting   NewsKind = "emergency_waiting"
	NewsNightsReached      NewsKind = "nights_reached"
)

// newsWords begin the sentence that the offer and the date end.
var newsWords = map[NewsKind]string{
	NewsAsked: "Somebody asks for a place", NewsBooked: "A place was booked", NewsAccepted: "The provider said yes", NewsDeclined: "The provider said no",
	NewsExpired: "Nobody answered in time, so the place is free again", NewsGroupRuns: "There are enough for the group, so it takes place",
	NewsGroupCalledOff:    "There were not enough for the group, so it does not take place",
	NewsCancelledByFamily: "A place was cancelled for the family", NewsCancelledProvider: "The provider cancelled",
	NewsCancelledAuthority: "The council cancelled", NewsMoved: "A date was moved to another", NewsPlaceOffered: "A place came free for you",
	NewsRegisterFiled: "The provider has written down what took place; please agree or say what is wrong", NewsQueried: "A family says that something is wrong with the register",
	NewsQueryWithdrawn: "Nothing is wrong with the register any more", NewsAgreed: "A family agrees to the register", NewsSettled: "The register counts as agreed",
	NewsMessage: "There is a new message", NewsDayBefore: "This is soon", NewsRequestWaiting: "A family is waiting for your answer",
	NewsAgreeSoon: "This counts as agreed soon; please agree or say what is wrong",
	NewsYesNeeded: "This waits for your answer; please agree or say what is wrong", NewsWantedFound: "Something fits a time you want",
	NewsRoundPlaced: "The places were given out and you have one", NewsRoundNotPlaced: "The places were given out and there was none for you",
	NewsRoundCalledOff:   "The places are not given out together; book one as any other",
	NewsEntered:          "The provider has entered a booking for you; please say yes or no",
	NewsCreditEnding:     "A credit of yours ends soon. It came back from what follows, and this is its last day",
	NewsTicketEnding:     "Dates are left of a block that ends soon, and this is its last day",
	NewsAskWaiting:       "A family asks for what you have to agree to first; your quote is your yes",
	NewsEmergencyWaiting: "An emergency booking waits for a decision of yours",
	NewsNightsReached:    "With this booking a child's nights away reach what the regulations speak of",
}

// NewsKinds are all kinds, in the order they are shown.
var NewsKinds = []NewsKind{
	NewsAsked, NewsBooked, NewsAccepted, NewsDeclined, NewsExpired, NewsGroupRuns, NewsGroupCalledOff, NewsCancelledByFamily, NewsCancelledProvider,
	NewsCancelledAuthority, NewsMoved, NewsPlaceOffered, NewsRegisterFiled, NewsQueried, NewsQueryWithdrawn, NewsAgreed, NewsSettled, NewsMessage,
	NewsDayBefore, NewsRequestWaiting, NewsAgreeSoon, NewsYesNeeded, NewsWantedFound, NewsRoundPlaced, NewsRoundNotPlaced, NewsRoundCalledOff, NewsEntered,
	NewsCreditEnding, NewsTicketEnding, NewsAskWaiting, NewsEmergencyWaiting, NewsNightsReached,
}

// newsText is what is told, in one or two sentences.
func newsText(kind NewsKind, title string, starts time.Time, dates int, deadline *time.Time) string {
	text := newsWords[kind] + ": " + title + ", " + shortbreaks.LongDate(starts)
	if dates > 1 {
		text += " and " + shortbreaks.Plural(dates-1, "more date")
	}
	if deadline != nil {
		text += ". There is time until " + deadline.In(shortbreaks.London).Format("15:04 on Monday 2 January 2006")
	}
	return text + "."
}

// happening is one move of an item, with what tells it from others like it.
type happening struct {
	from, to   State
	cause      string
	role       string // of whoever moved it; "system": nobody
	fromLine   bool   // the item is a place offered to a family in line
	takesPlace bool   // the item takes the place of another
}

// told is what a move tells the family and the provider; "" is nothing.
func (h happening) told() (family, provider NewsKind) {
	if h.cause == ticketEnded {
		return "", "" // its end is told before it comes
	}
	switch h.to {
	case Held:
		if h.fromLine {
			return NewsPlaceOffered, ""
		}
		if h.role == string(shortbreaks.ProviderOwner) || h.role == string(shortbreaks.Coordinator) {
			return NewsEntered, ""
		}
		return "", "" // for a card: whoever pays knows
	case Requested:
		return NewsBooked, NewsAsked
	case Conditional, Confirmed:
		return h.toldOfPlace()
	case Declined:
		return NewsDeclined, ""
	case Expired:
		if h.from == Held {
			return NewsExpired, ""
		}
		return NewsExpired, NewsExpired
	case CancelledByFamily:
		if h.cause == moved {
			return NewsMoved, NewsMoved
		}
		return NewsCancelledByFamily, NewsCancelledByFamily
	case CancelledByProvider:
		if h.cause == minimumNotMet {
			return NewsGroupCalledOff, NewsGroupCalledOff
		}
		return NewsCancelledProvider, NewsCancelledProvider
	case CancelledByAuthority:
		return NewsCancelledAuthority, NewsCancelledAuthority
	}
	return h.toldAfter()
}

// toldOfPlace is what is told of a place that somebody now has.
func (h happening) toldOfPlace() (family, provider NewsKind) {
	switch {
	case h.from == "" && h.takesPlace:
		return "", "" // told by the date that was moved
	case h.from == Requested:
		return NewsAccepted, ""
	case h.from == Conditional:
		return NewsGroupRuns, NewsGroupRuns
	}
	return NewsBooked, NewsBooked
}

// toldAfter is what is told once it has taken place.
func (h happening) toldAfter() (family, provider NewsKind) {
	switch {
	case h.to == Disputed:
		return "", NewsQueried
	case h.to == Settled && h.role == "system":
		return NewsSettled, NewsSettled
	case h.to == Settled:
		return "", NewsAgreed
	case h.from == Disputed && (h.role == string(shortbreaks.ProviderOwner) || h.role == string(shortbreaks.Coordinator)):
		return NewsRegisterFiled, "" // put right
	case h.from == Disputed:
		return "", NewsQueryWithdrawn
	}
	return NewsRegisterFiled, ""
}
