package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"github.com/google/uuid"
)

// defaultLimit is how many items a page has unless asked otherwise.
const defaultLimit = 20

// cursorCheck is how many bytes tell a cursor of ours from a damaged one, or
// from one of another list. It keeps no secret: what a cursor reaches is
// judged anew for each page.
const cursorCheck = 4

// errCursor is given for a cursor this list did not give.
var errCursor = ErrMalformed.With("Read the list again from its first page.").At("query/cursor", "This is not a cursor of this list.")

// sealed writes where a page ended so that the next can follow it. It is
// opaque to callers, so that what is in it may change.
func sealed(list, where string) string {
	return base64.RawURLEncoding.EncodeToString(append(checkOf(list, where), where...))
}

// unsealed is where the page before ended; "" for the first page.
func unsealed(list string, cursor *string) (string, error) {
	if cursor == nil {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(*cursor)
	if err != nil || len(raw) <= cursorCheck {
		return "", errCursor
	}
	where := string(raw[cursorCheck:])
	if string(raw[:cursorCheck]) != string(checkOf(list, where)) {
		return "", errCursor
	}
	return where, nil
}

// lastID is the id a page ended with; the zero id for the first page.
func lastID(list string, cursor *string) (uuid.UUID, error) {
	where, err := unsealed(list, cursor)
	if err != nil || where == "" {
		return uuid.Nil, err
	}
	id, err := uuid.Parse(where)
	if err != nil {
		return uuid.Nil, errCursor
	}
	return id, nil
}

func checkOf(list, where string) []byte {
	sum := sha256.Sum256([]byte(list + " " + where))
	return sum[:cursorCheck]
}

// nextPage is what follows a page: its cursor, and the Link header that
// carries it with the filters of this request. Both are nil after the last
// page, where is "" then.
func nextPage(ctx context.Context, list, where string) (cursor, link *string) {
	if where == "" {
		return nil, nil
	}
	next := sealed(list, where)
	address := *callerOf(ctx).address
	query := address.Query()
	query.Set("cursor", next)
	header := "<" + address.Path + "?" + query.Encode() + `>; rel="next"`
	return &next, &header
}

// limitOf is how many items were asked for.
func limitOf(limit *int) int {
	if limit == nil {
		return defaultLimit
	}
	return *limit
}
