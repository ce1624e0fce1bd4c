package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/api/gen"
	"shortbreaks/internal/db/dbtest"
)

func (c caller) thread(path string) gen.BookingMessageList {
	c.w.t.Helper()
	return into[gen.BookingMessageList](c.get(path), 200)
}

// visitor makes the provider's worker the one of a lane.
func (w *world) visitor(lane uuid.UUID) {
	w.t.Helper()
	worker, owner := shortbreaks.NewID(), dbtest.Owner(w.t, w.d)
	_, err := owner.Exec(w.ctx, `INSERT INTO worker (provider_id, id, display_name, person_id) VALUES ($1, $2, 'Jo', $3)`, w.stars.ID, worker, w.stars.Worker.Person)
	require.NoError(w.t, err)
	_, err = owner.Exec(w.ctx, `UPDATE lane SET worker_id = $2 WHERE provider_id = $1 AND id = $3`, w.stars.ID, worker, lane)
	require.NoError(w.t, err)
}

func TestThoseLinkedToABookingWriteAboutIt(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	b := w.mother.book(w.sam, w.publish(w.stars, club()), 1)
	path := "/v1/bookings/" + b.ID.String() + "/messages"
	owner := w.as(w.stars.Owner)
	say := func(c caller, words string, more ...object) gen.BookingMessage {
		body := object{"words": words}
		for _, m := range more {
			for k, v := range m {
				body[k] = v
			}
		}
		return into[gen.BookingMessage](c.post(path, body), http.StatusCreated)
	}
	first := say(w.mother, "  Can we come early?  ")
	require.Equal(t, []any{1, gen.BookingMessageSideFamily, gen.RoleFamily, false, true, "Can we come early?"},
		[]any{first.Number, first.Side, first.Role, first.OnBehalf, first.Mine, first.Words})
	say(owner, "Yes, from a quarter to ten.")
	say(w.practitioner, "The lift is mended.")
	on := say(w.practitioner, "Thank you, the family says.", object{"for_family": true})
	require.Equal(t, []any{gen.BookingMessageSideFamily, gen.RolePractitioner, true}, []any{on.Side, on.Role, on.OnBehalf})

	seen := w.father.thread(path)
	require.Equal(t, 4, seen.Unread, "the other parent reads along and has read nothing")
	require.False(t, seen.Items[3].Mine)
	require.Equal(t, []int{4, 3, 2, 1}, []int{seen.Items[0].Number, seen.Items[1].Number, seen.Items[2].Number, seen.Items[3].Number})
	require.Equal(t, gen.BookingMessageSideCouncil, seen.Items[1].Side)
	require.NotContains(t, string(w.father.get(path).body), w.oakley.Parents[0].Person.String())

	require.Equal(t, 3, w.mother.thread(path).Unread, "one's own are read")
	mark := func(c caller, n int) {
		require.Equal(t, 204, c.ask(http.MethodPut, path+"/read", object{"up_to": n}).status)
	}
	mark(w.mother, 3)
	require.Equal(t, 1, w.mother.thread(path).Unread)
	mark(w.mother, 1)
	require.Equal(t, 1, w.mother.thread(path).Unread, "it does not go back")
	mark(w.mother, 1_000_000)
	require.Zero(t, w.mother.thread(path).Unread)
	say(owner, "See you then.")
	require.Equal(t, 1, w.mother.thread(path).Unread, "what is written later is unread, however far one said to have read")
	require.Equal(t, 5, w.father.thread(path).Unread, "each has their own mark")

	page := w.mother.thread(path + "?limit=2")
	rest := w.mother.thread(path + "?limit=100&cursor=" + *page.NextCursor)
	require.Equal(t, w.mother.thread(path).Items, append(page.Items, rest.Items...))

	other := w.as(w.begum.Parents[0])
	words := object{"words": "Hello"}
	w.refuse([]refusal{
		{"another family", other, http.MethodPost, path, words, nil, 404, "not-found", ""},
		{"another family reading", other, http.MethodGet, path, nil, nil, 404, "not-found", ""},
		{"another provider", w.as(w.moor.Owner), http.MethodPost, path, words, nil, 404, "not-found", ""},
		{"another council", w.as(w.bracken.Practitioner), http.MethodPost, path, words, nil, 404, "not-found", ""},
		{"a worker with no visit", w.as(w.stars.Worker), http.MethodGet, path, nil, nil, 404, "not-found", ""},
		{"an approver", w.notary, http.MethodGet, path, nil, nil, 403, "forbidden", ""},
		{"a phone number", w.mother, http.MethodPost, path, object{"words": "Ring 07700 900123"}, nil, 422, "contact-details", "/words"},
		{"spaces", w.mother, http.MethodPost, path, object{"words": "   "}, nil, 422, "invalid", "/words"},
		{"a family for the family", w.mother, http.MethodPost, path, object{"words": "Hi", "for_family": true}, nil, 422, "invalid", "/for_family"},
		{"too long", w.mother, http.MethodPost, path, object{"words": strings.Repeat("a", 2001)}, nil, 400, "malformed", "/words"},
	})
}

func TestTheWorkerOfAVisitReadsAndWritesAboutIt(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	w.fund(w.ash, w.rosa)
	o := w.publish(w.stars, visits())
	mine := w.mother.visit(w.sam, o, "2027-01-06T15:00")
	other := w.mother.visit(w.rosa, o, "2027-01-06T15:00")
	worker := w.as(w.stars.Worker)
	var lane uuid.UUID
	require.NoError(t, dbtest.Owner(t, w.d).QueryRow(w.ctx, `SELECT lane_id FROM booking_item WHERE id = $1`, mine.Items[0].ID).Scan(&lane))
	w.visitor(lane)
	path := func(b gen.Booking) string { return "/v1/bookings/" + b.ID.String() + "/messages" }
	made := into[gen.BookingMessage](worker.post(path(mine), object{"words": "I will be there."}), 201)
	require.Equal(t, gen.RoleWorker, made.Role)
	require.Len(t, w.father.thread(path(mine)).Items, 1)
	worker.get(path(other)).refused(404, "not-found")
}

// TestMessagesWrittenAtOnceAreNumberedWithoutGaps: nobody who marked a number
// as read misses one that was being written meanwhile.
func TestMessagesWrittenAtOnceAreNumberedWithoutGaps(t *testing.T) {
	w := setup(t)
	w.fund(w.ash, w.sam)
	path := "/v1/bookings/" + w.mother.book(w.sam, w.publish(w.stars, club()), 1).ID.String() + "/messages"
	var all sync.WaitGroup
	numbers := make([]int, 24)
	for i := range numbers {
		as := []caller{w.mother, w.father, w.practitioner, w.as(w.stars.Owner)}[i%4]
		all.Go(func() {
			numbers[i] = into[gen.BookingMessage](as.post(path, object{"words": fmt.Sprint("Message ", i)}), 201).Number
		})
	}
	all.Wait()
	want := make([]int, len(numbers))
	for i := range want {
		want[i] = i + 1
	}
	require.ElementsMatch(t, want, numbers)
}
