package booking

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"shortbreaks"
)

// RoundDraw is everything an allocation round is given out by, and what came of
// it, with tickets in the place of children (R122, T98). It is public when the
// round is done: Run gives the same result again, whoever runs it.
type RoundDraw struct {
	Groups           []string          `json:"groups"`
	SiblingsTogether bool              `json:"siblings_together"`
	Places           map[uuid.UUID]int `json:"places"` // by session
	Entries          []DrawEntry       `json:"entries"`
}

// DrawEntry is one child in a draw.
type DrawEntry struct {
	Ticket uuid.UUID  `json:"ticket"`
	Family uuid.UUID  `json:"family"` // the same for brothers and sisters
	Groups []string   `json:"groups"` // of the rule's, those it is in
	Wishes []DrawWish `json:"wishes"` // the dearest first
	Place  int        `json:"place"`  // in the order, from 1
	Wish   int        `json:"wish"`   // which was granted, from 1; 0: none
}

// DrawWish is sessions that a child wants together.
type DrawWish struct {
	Sessions   []uuid.UUID `json:"sessions"`
	Places     int         `json:"places"`     // that it takes in each
	Impossible bool        `json:"impossible"` // could not be booked, however many places there were
}

// Run puts the entries in their order and gives each in turn its first wish
// that can still be granted. The order is: the rule's groups, one after the
// other, then everybody else; in each by lot. A lot is the SHA-256 of the seed
// followed by the sixteen bytes of the ticket, or of the family where brothers
// and sisters stay together; the smallest comes first. Such a family stands in
// the best group any of its children is in.
func (d *RoundDraw) Run(seed []byte) {
	places := map[uuid.UUID]int{}
	for s, n := range d.Places {
		places[s] = n
	}
	d.order(seed)
	for i := range d.Entries {
		e := &d.Entries[i]
		e.Place, e.Wish = i+1, 0
		for n, w := range e.Wishes {
			if w.fits(places) {
				for _, s := range w.Sessions {
					places[s] -= w.Places
				}
				e.Wish = n + 1
				break
			}
		}
	}
}

func (w DrawWish) fits(places map[uuid.UUID]int) bool {
	return !w.Impossible && !slices.ContainsFunc(w.Sessions, func(s uuid.UUID) bool { return places[s] < w.Places })
}

func (d *RoundDraw) order(seed []byte) {
	best := map[uuid.UUID]int{}
	for _, e := range d.Entries {
		if rank, ok := best[d.unit(e)]; !ok || d.rank(e) < rank {
			best[d.unit(e)] = d.rank(e)
		}
	}
	slices.SortFunc(d.Entries, func(a, b DrawEntry) int {
		if x, y := best[d.unit(a)], best[d.unit(b)]; x != y {
			return x - y
		}
		if d.unit(a) != d.unit(b) {
			return bytes.Compare(lot(seed, d.unit(a)), lot(seed, d.unit(b)))
		}
		return bytes.Compare(lot(seed, a.Ticket), lot(seed, b.Ticket))
	})
}

// unit is who draws a lot.
func (d *RoundDraw) unit(e DrawEntry) uuid.UUID {
	if d.SiblingsTogether {
		return e.Family
	}
	return e.Ticket
}

// rank is the first of the rule's groups an entry is in; behind all if in none.
func (d *RoundDraw) rank(e DrawEntry) int {
	if i := slices.IndexFunc(d.Groups, func(g string) bool { return slices.Contains(e.Groups, g) }); i >= 0 {
		return i
	}
	return len(d.Groups)
}

func lot(seed []byte, of uuid.UUID) []byte {
	sum := sha256.Sum256(append(slices.Clone(seed), of[:]...))
	return sum[:]
}

// ticketOf is by what somebody stands in a round. It follows from the round and
// the child (or the family): nobody gets a better one by entering again, and
// it tells nothing to whoever does not know the child's id already.
func ticketOf(round, of uuid.UUID) uuid.UUID {
	sum := sha256.Sum256(append(slices.Clone(round[:]), of[:]...))
	id := uuid.UUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8, of an inventor's own
	return id
}

// groupWords are the groups of a rule in words.
var groupWords = map[string]string{
	"missed_last_round": "children who got no place in the last round",
	"new_here":          "children who have never been with this provider",
}

// RuleWords say the rule of a round in plain words.
func RuleWords(groups []string, siblingsTogether bool) string {
	words := "Everybody draws a lot."
	if len(groups) > 0 {
		words = "First come " + groupWords[groups[0]]
		for _, g := range groups[1:] {
			words += ", then " + groupWords[g]
		}
		words += ", then everybody else. Who comes first among them is drawn by lot."
	}
	if siblingsTogether {
		words += " Brothers and sisters draw one lot and stand behind one another."
	}
	return words + " Each in turn gets the first of its wishes that still has a place."
}

// words explain to a family what became of a child's entry.
func (e *RoundEntry) words(of int) string {
	if e.Place == nil {
		return ""
	}
	said := fmt.Sprintf("By the rule and the lot you were number %d of %d.", *e.Place, of)
	for _, g := range e.Groups {
		said += " You are one of the " + groupWords[g] + "."
	}
	for i, w := range e.Wishes {
		switch n := i + 1; {
		case e.Wish != nil && n == *e.Wish:
			return said + fmt.Sprintf(" You have a place by your %s wish.", shortbreaks.Ordinal(n))
		case w.Because != "":
			said += fmt.Sprintf(" Your %s wish could not be booked: %s.", shortbreaks.Ordinal(n), w.Because)
		default:
			said += fmt.Sprintf(" When it was your turn your %s wish had too few places left.", shortbreaks.Ordinal(n))
		}
	}
	if e.State == EntryWaiting {
		return said + " You stand in the waiting line in the same order."
	}
	return said + " There was no place for you this time."
}
