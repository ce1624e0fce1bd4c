package people

import (
	"context"
	"errors"

	"shortbreaks/internal/db"
)

// SubjectKnown reports whether anybody signs in by this name.
func SubjectKnown(ctx context.Context, d *db.DB, subject string) (bool, error) {
	_, err := demoPerson(ctx, d, subject)
	if errors.Is(err, ErrSignInUnknown) {
		return false, nil
	}
	return err == nil, err
}
