package marketplace

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
)

// cursor is where a page ended. AsOf is when the first page was read: "soonest"
// keeps its meaning while somebody reads on.
type cursor struct {
	Sort   string
	AsOf   time.Time
	Spelt  bool  // among offers spelt nearly so
	Walked *step // where the walk, or this stretch of it, goes on
	Shown  *step // the last hit of the stretch that was shown
}

// String is the cursor as it is sent: letters, digits, "-" and "_".
func (c cursor) String() string {
	raw := fmt.Sprintf("%s.%x.%t.%s.%s", c.Sort, c.AsOf.UnixMicro(), c.Spelt, c.Walked.text(), c.Shown.text())
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

func (a *step) text() string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%x_%s", a.at, a.offer)
}

func parseStep(text string) (*step, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // from the beginning
	}
	number, id, _ := strings.Cut(text, "_")
	var s step
	if _, err := fmt.Sscanf(number, "%x", &s.at); err != nil {
		return nil, err
	}
	var err error
	s.offer, err = uuid.Parse(id)
	return &s, err
}

// parseCursor reads a cursor of a search in this order.
func parseCursor(sent, sort string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(sent)
	parts := strings.Split(string(raw), ".")
	var asOf int64
	if err == nil && len(parts) == 5 && parts[0] == sort {
		_, err = fmt.Sscanf(parts[1]+" "+parts[2], "%x %t", &asOf, &c.Spelt)
		if err == nil {
			c.Walked, err = parseStep(parts[3])
		}
		if err == nil {
			c.Shown, err = parseStep(parts[4])
		}
	} else {
		err = fmt.Errorf("not a cursor of a search by %s", sort)
	}
	if err == nil && sort == BySoonest && (!c.Walked.isTime() || !c.Shown.isTime()) {
		err = fmt.Errorf("not a time")
	}
	if err != nil || asOf < 0 || asOf > never.UnixMicro() {
		words := "This is not a cursor of this list; begin again without one."
		return cursor{}, shortbreaks.ErrInvalid.With(words).At("query/cursor", words)
	}
	c.Sort, c.AsOf = sort, time.UnixMicro(asOf).UTC()
	return c, nil
}

// isTime reports whether a step of a walk by time is at one.
func (a *step) isTime() bool { return a == nil || (a.at >= 0 && a.at <= never.UnixMicro()) }
