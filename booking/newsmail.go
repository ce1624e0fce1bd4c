package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"shortbreaks"
	"shortbreaks/internal/db"
	"shortbreaks/people"
)

// NewsMailArgs asks for the e-mail about one news of one person.
type NewsMailArgs struct {
	PersonID uuid.UUID `json:"person_id"`
	NewsID   uuid.UUID `json:"news_id"`
}

// Kind names the job.
func (NewsMailArgs) Kind() string { return "news_mail" }

// mailOptions: tried again after longer and longer, for some three hours; it
// waits for somebody else's server, so nothing else waits behind it.
var mailOptions = &river.InsertOpts{Queue: db.QueueOutside, MaxAttempts: 9}

// mailWithin is how long after something happened an e-mail about it is still
// of use.
const mailWithin = 24 * time.Hour

// NewsMailWorker sends the e-mails; cmd registers it. An e-mail is sent at
// least once: should the process die between sending and keeping that it was
// sent, it goes out again, with the same Message-ID.
type NewsMailWorker struct {
	river.WorkerDefaults[NewsMailArgs]
	DB      *db.DB
	Mailer  *people.Mailer // nil: none are sent
	Address string         // where people sign in
}

// Work sends an e-mail, unless its person does not want it, has no address,
// has read it meanwhile, or may no longer see what it is about.
func (w *NewsMailWorker) Work(ctx context.Context, job *river.Job[NewsMailArgs]) error {
	if w.Mailer == nil {
		return nil
	}
	to, n, err := w.due(ctx, job.Args)
	if err != nil || to == "" {
		return err
	}
	if err := w.Mailer.Send(ctx, people.Mail{To: to, ID: n.ID, Subject: "News about a short break", Text: n.mail(w.Address)}); err != nil {
		return err
	}
	return w.DB.Do(ctx, db.Scope{Person: job.Args.PersonID}, func(tx *db.Tx) error {
		_, err := tx.PGX.Exec(ctx, `UPDATE news SET mailed_at = $3 WHERE person_id = $1 AND id = $2`, job.Args.PersonID, job.Args.NewsID, tx.Now)
		return err
	})
}

// mail is the whole text. It says when and nothing else: other people read
// other people's e-mail.
func (n News) mail(address string) string {
	return "There is news about a short break on " + shortbreaks.LongDate(n.StartsAt) + ".\n\nSign in to read it: " + address +
		"\n\nYou can choose there which of these e-mails you want.\n"
}

// due is the address an e-mail goes to, "" if it need not be sent, and what it
// is about.
func (w *NewsMailWorker) due(ctx context.Context, a NewsMailArgs) (to string, n News, err error) {
	var role shortbreaks.Role
	err = w.DB.Read(ctx, db.Scope{Person: a.PersonID}, func(tx *db.Tx) error {
		err := tx.PGX.QueryRow(ctx, `SELECT id, kind, role, starts_at, at FROM news
			WHERE person_id = $1 AND id = $2 AND mailed_at IS NULL AND read_at IS NULL AND at > $3`, a.PersonID, a.NewsID, tx.Now.Add(-mailWithin)).
			Scan(&n.ID, &n.Kind, &role, &n.StartsAt, &n.At)
		if errors.Is(err, pgx.ErrNoRows) || (err == nil && n.Kind == NewsDayBefore && !tx.Now.Before(n.StartsAt)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read news to mail: %w", err)
		}
		choices, err := choicesOf(ctx, tx, a.PersonID)
		if err != nil || slices.Contains(choices, NewsChoice{n.Kind, false}) {
			return err
		}
		err = tx.PGX.QueryRow(ctx, `SELECT value FROM contact WHERE person_id = $1 AND kind = 'email' ORDER BY id LIMIT 1`, a.PersonID).Scan(&to)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || to == "" {
		return "", n, err
	}
	return w.stillConcerns(ctx, a, role, to, n)
}

// stillConcerns drops the address of one who may no longer see what it is
// about.
func (w *NewsMailWorker) stillConcerns(ctx context.Context, a NewsMailArgs, role shortbreaks.Role, to string, n News) (string, News, error) {
	who, err := people.Load(ctx, w.DB, a.PersonID, role)
	if errors.Is(err, people.ErrRoleNotHeld) {
		return "", n, nil
	}
	if err != nil {
		return "", n, err
	}
	var concerned bool
	err = w.DB.Read(ctx, db.For(who), func(tx *db.Tx) error {
		return tx.PGX.QueryRow(ctx, `SELECT EXISTS (SELECT `+newsFrom+` AND n.id = $5)`, append(newsReach(who), a.NewsID)...).Scan(&concerned)
	})
	if err != nil {
		return "", n, fmt.Errorf("look whether news still concern somebody: %w", err)
	}
	if !concerned {
		return "", n, nil
	}
	return to, n, nil
}
