package marketplace

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/google/uuid"

	"shortbreaks"
)

// cursor is where a page ended. AsOf is when the first page was read: "soonest"
// keeps its meaning while somebody reads on.
type cursor struct {
	AsOf   time.Time
	SortAt time.Time
	ID     uuid.UUID
}

// String is the cursor as it is sent: letters, digits, "-" and "_".
func (c cursor) String() string {
	raw := fmt.Sprintf("%x.%x.%s", c.AsOf.UnixMicro(), c.SortAt.UnixMicro(), c.ID)
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

func parseCursor(sent string) (cursor, error) {
	var asOf, sortAt int64
	var id string
	raw, err := base64.RawURLEncoding.DecodeString(sent)
	if err == nil {
		_, err = fmt.Sscanf(string(raw), "%x.%x.%s", &asOf, &sortAt, &id)
	}
	var parsed uuid.UUID
	if err == nil {
		parsed, err = uuid.Parse(id)
	}
	if err != nil {
		words := "This is not a cursor of ours; begin again without one."
		return cursor{}, shortbreaks.ErrInvalid.With(words).At("query/cursor", words)
	}
	return cursor{time.UnixMicro(asOf).UTC(), time.UnixMicro(sortAt).UTC(), parsed}, nil
}
