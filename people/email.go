package people

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"shortbreaks"
	"shortbreaks/internal/db"
)

// The refusals about one's own e-mail address.
var (
	ErrNoMailHere     = shortbreaks.NewError(shortbreaks.Conflict, "email-unavailable", "This service sends no e-mail")
	ErrAskedOften     = shortbreaks.NewError(shortbreaks.Conflict, "email-asked-often", "You have asked for several codes in the last hour")
	ErrEmailCodeWrong = shortbreaks.NewError(shortbreaks.Conflict, "email-code-wrong", "That is not a code for this e-mail address")
)

const (
	emailCodeLasts = 24 * time.Hour
	mostEmailTries = 5 // wrong codes for one that was sent
	mostEmailAsks  = 4 // an hour, so that nobody's post is flooded
)

// Email is where a person's news go by e-mail, and where they are to go.
type Email struct {
	Address   string     // "": none, so no e-mail is sent
	Waiting   string     // given, and not used before it is confirmed; "": none
	ExpiresAt *time.Time // until when the code for Waiting counts
}

// emailAddress makes a person's e-mail address what they typed, or says what is
// wrong with it. The part behind the @ is written small, since its case does
// not matter.
func emailAddress(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	wrong := func(why string) (string, error) { return "", shortbreaks.ErrInvalid.At("/address", why) }
	for _, r := range typed {
		if r <= ' ' || r > '~' {
			return wrong("Write it without spaces, accents or other letters than those of English.")
		}
	}
	local, domain, _ := strings.Cut(typed, "@")
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Address != typed || parsed.Name != "" || !strings.Contains(strings.Trim(domain, "."), ".") || strings.ContainsAny(domain, "[]@") {
		return wrong("Write an e-mail address such as sam@example.org, and nothing else.")
	}
	if len(typed) > 254 || len(local) > 64 {
		return wrong("This is longer than an e-mail address may be.")
	}
	return local + "@" + strings.ToLower(domain), nil
}

// OwnEmail is the actor's own address, and the one that waits to be confirmed.
// Nobody reads another's, whatever the role (T97).
func OwnEmail(ctx context.Context, d *db.DB, who shortbreaks.Actor) (e *Email, err error) {
	err = d.Read(ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) error {
		e, err = readEmail(ctx, tx, who.Person)
		return err
	})
	return e, err
}

func readEmail(ctx context.Context, tx *db.Tx, person uuid.UUID) (*Email, error) {
	e := new(Email)
	err := tx.PGX.QueryRow(ctx, `SELECT coalesce((SELECT value FROM contact WHERE person_id = $1 AND kind = 'email'), '')`, person).Scan(&e.Address)
	if err != nil {
		return nil, fmt.Errorf("read own e-mail address: %w", err)
	}
	a, err := openAsk(ctx, tx, person, "")
	if err != nil {
		return nil, err
	}
	if a.counts(tx.Now) {
		e.Waiting, e.ExpiresAt = a.address, &a.expiresAt
	}
	return e, nil
}

// emailAsk is an address that waits for its code.
type emailAsk struct {
	id        uuid.UUID
	address   string
	hash      []byte
	tries     int
	expiresAt time.Time
}

// counts reports whether a code can still be given for it.
func (a *emailAsk) counts(now time.Time) bool {
	return a != nil && a.tries < mostEmailTries && now.Before(a.expiresAt)
}

// openAsk is what waits to be confirmed, or nil.
func openAsk(ctx context.Context, tx *db.Tx, person uuid.UUID, lock string) (*emailAsk, error) {
	var a emailAsk
	err := tx.PGX.QueryRow(ctx, `SELECT id, address, code_hash, tries, expires_at FROM email_ask WHERE person_id = $1 AND closed_at IS NULL `+lock, person).
		Scan(&a.id, &a.address, &a.hash, &a.tries, &a.expiresAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what is to be confirmed: %w", err)
	}
	return &a, nil
}

// emailHash is what is kept of a code: that it is bound to the ask makes equal
// codes differ.
func emailHash(ask uuid.UUID, code string) []byte {
	sum := sha256.Sum256(append(ask[:], TidyCode(code)...))
	return sum[:]
}

// lockPerson makes what one person asks about their address go one by one.
func lockPerson(ctx context.Context, tx *db.Tx, person uuid.UUID) error {
	done, err := tx.PGX.Exec(ctx, `SELECT FROM person WHERE id = $1 FOR NO KEY UPDATE`, person)
	if err != nil {
		return fmt.Errorf("lock a person: %w", err)
	}
	if done.RowsAffected() != 1 {
		return shortbreaks.ErrNotFound
	}
	return nil
}

// closeAsk ends what waits to be confirmed.
func closeAsk(ctx context.Context, tx *db.Tx, person uuid.UUID) error {
	_, err := tx.PGX.Exec(ctx, `UPDATE email_ask SET closed_at = $2 WHERE person_id = $1 AND closed_at IS NULL`, person, tx.Now)
	if err != nil {
		return fmt.Errorf("close what was to be confirmed: %w", err)
	}
	return nil
}

// SetEmail takes a person's own address and has a code sent to it; it is used
// once that was given back (ConfirmEmail), and until then the old one is. The
// answer is the same whoever else has the address. Errors: invalid,
// email-asked-often.
func SetEmail(ctx context.Context, d *db.DB, who shortbreaks.Actor, typed string) (e *Email, err error) {
	address, err := emailAddress(typed)
	if err != nil {
		return nil, err
	}
	err = d.Do(ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) error {
		if err := lockPerson(ctx, tx, who.Person); err != nil {
			return err
		}
		now, err := readEmail(ctx, tx, who.Person)
		if err != nil {
			return err
		}
		if now.Address != address {
			err = askToConfirm(ctx, tx, who.Person, address)
		} else {
			err = closeAsk(ctx, tx, who.Person)
		}
		if err != nil {
			return err
		}
		e, err = readEmail(ctx, tx, who.Person)
		return err
	})
	return e, err
}

func askToConfirm(ctx context.Context, tx *db.Tx, person uuid.UUID, address string) error {
	var asked int
	err := tx.PGX.QueryRow(ctx, `SELECT count(*) FROM email_ask WHERE person_id = $1 AND asked_at > $2`, person, tx.Now.Add(-time.Hour)).Scan(&asked)
	if err != nil {
		return fmt.Errorf("count codes asked for: %w", err)
	}
	if asked >= mostEmailAsks {
		return ErrAskedOften.With("Wait an hour, and look among the unwanted e-mail meanwhile.")
	}
	if err := closeAsk(ctx, tx, person); err != nil {
		return err
	}
	id, over := shortbreaks.NewID(), tx.Now.Add(emailCodeLasts)
	_, err = tx.PGX.Exec(ctx, `INSERT INTO email_ask (person_id, id, address, asked_at, expires_at) VALUES ($1, $2, $3, $4, $5)`, person, id, address, tx.Now, over)
	if err != nil {
		return fmt.Errorf("keep what is to be confirmed: %w", err)
	}
	if err := tx.Enqueue(ctx, EmailArgs{PersonID: person, AskID: id, What: emailCode}, emailOptions()); err != nil {
		return err
	}
	forget := emailOptions()
	forget.ScheduledAt = over
	return tx.Enqueue(ctx, EmailArgs{PersonID: person, AskID: id, What: emailForget}, forget)
}

// ConfirmEmail uses the address that waits from now on, if this is the code
// that was sent to it; the address it takes the place of is told. A code counts
// for a day and is lost after five wrong ones. Errors: email-code-wrong.
func ConfirmEmail(ctx context.Context, d *db.DB, who shortbreaks.Actor, code string) (e *Email, err error) {
	var refused error
	err = d.Do(ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) error {
		if err := lockPerson(ctx, tx, who.Person); err != nil {
			return err
		}
		a, err := openAsk(ctx, tx, who.Person, "FOR UPDATE")
		if err != nil {
			return err
		}
		if !a.counts(tx.Now) {
			refused = ErrEmailCodeWrong.With("No code is waiting. Give your address once more, and another is sent to it.")
			return nil
		}
		if a.hash == nil || subtle.ConstantTimeCompare(emailHash(a.id, code), a.hash) != 1 {
			refused = ErrEmailCodeWrong.With(fmt.Sprintf("Tries left: %d. If several e-mails came, the newest has the code.", mostEmailTries-a.tries-1))
			_, err = tx.PGX.Exec(ctx, `UPDATE email_ask SET tries = tries + 1 WHERE person_id = $1 AND id = $2`, who.Person, a.id)
			return err
		}
		if err := useAddress(ctx, tx, who.Person, a); err != nil {
			return err
		}
		e, err = readEmail(ctx, tx, who.Person)
		return err
	})
	if err == nil {
		err = refused // after the wrong try was kept
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}

// useAddress makes an address that was confirmed the one that is used.
func useAddress(ctx context.Context, tx *db.Tx, person uuid.UUID, a *emailAsk) error {
	var old *string
	err := tx.PGX.QueryRow(ctx, `WITH was AS (DELETE FROM contact WHERE person_id = $1 AND kind = 'email' RETURNING value)
		UPDATE email_ask SET closed_at = $3, replaced = (SELECT value FROM was) WHERE person_id = $1 AND id = $2 RETURNING replaced`,
		person, a.id, tx.Now).Scan(&old)
	if err != nil {
		return fmt.Errorf("replace an e-mail address: %w", err)
	}
	if _, err := AddContact(ctx, tx, Contact{PersonID: person, Kind: "email", Value: a.address}); err != nil {
		return err
	}
	if old == nil {
		return nil
	}
	return tx.Enqueue(ctx, EmailArgs{PersonID: person, AskID: a.id, What: emailChanged}, emailOptions())
}

// RemoveEmail takes one's own address away, and any that waits: nothing is sent
// from now on, not even what was about to be. Without one it does nothing.
func RemoveEmail(ctx context.Context, d *db.DB, who shortbreaks.Actor) error {
	return d.Do(ctx, db.Scope{Person: who.Person}, func(tx *db.Tx) error {
		if err := lockPerson(ctx, tx, who.Person); err != nil {
			return err
		}
		if err := closeAsk(ctx, tx, who.Person); err != nil {
			return err
		}
		if _, err := tx.PGX.Exec(ctx, `DELETE FROM contact WHERE person_id = $1 AND kind = 'email'`, who.Person); err != nil {
			return fmt.Errorf("remove an e-mail address: %w", err)
		}
		return nil
	})
}
