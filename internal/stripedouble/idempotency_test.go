package stripedouble_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v76"

	"shortbreaks/internal/db/dbtest"
)

const sessionsPath = "/v1/checkout/sessions"

func TestSameKeySameParametersGivesTheSameBytes(t *testing.T) {
	b := setup(t)
	first, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	require.Empty(t, first.LastResponse.Header.Get("Idempotent-Replayed"))
	require.NoError(t, b.Complete(first.ID)) // the replay shows the answer, not the state
	b.clock.advance(24*time.Hour - time.Second)
	again, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	require.Equal(t, "true", again.LastResponse.Header.Get("Idempotent-Replayed"))
	require.Equal(t, first.LastResponse.RequestID, again.LastResponse.Header.Get("Original-Request"))
	require.Equal(t, string(first.LastResponse.RawJSON), string(again.LastResponse.RawJSON))
	require.Equal(t, first.LastResponse.StatusCode, again.LastResponse.StatusCode)
	require.Equal(t, 1, b.worked(sessionsPath))
}

func TestAKeyIsNewAgainAfter24Hours(t *testing.T) {
	b := setup(t)
	first, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	b.clock.advance(24 * time.Hour)
	again, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	require.NotEqual(t, first.ID, again.ID)
}

func TestSameKeyOtherParametersIsRefused(t *testing.T) {
	b := setup(t)
	first, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	_, err = b.api.CheckoutSessions.New(topUp("k", 2501))
	require.Equal(t, http.StatusBadRequest, refusal(t, err).HTTPStatusCode)
	require.Equal(t, stripe.ErrorTypeIdempotency, refusal(t, err).Type)

	elsewhere := &stripe.CheckoutSessionExpireParams{}
	elsewhere.SetIdempotencyKey("k")
	_, err = b.api.CheckoutSessions.Expire(first.ID, elsewhere)
	require.Equal(t, stripe.ErrorTypeIdempotency, refusal(t, err).Type, "another endpoint")
	require.Equal(t, 1, b.worked(sessionsPath))
}

func TestFiftyWithOneKeyMakeOneSession(t *testing.T) {
	b := setup(t)
	release := b.Stall(50) // so that all fifty are there before the first is done
	var all sync.WaitGroup
	bodies := make([]string, 50)
	for i := range bodies {
		all.Go(func() {
			for {
				s, err := b.api.CheckoutSessions.New(topUp("k", 2500))
				if err == nil {
					bodies[i] = string(s.LastResponse.RawJSON)
					return
				}
				if e := refusal(t, err); e.Code != stripe.ErrorCodeIdempotencyKeyInUse {
					bodies[i] = e.Error()
					return
				}
			}
		})
	}
	require.Eventually(t, func() bool { return b.Stalled() > 0 && len(b.Requests()) >= 50 }, dbtest.Patience, time.Millisecond)
	release()
	all.Wait()
	for _, body := range bodies {
		require.Equal(t, bodies[0], body)
	}
	require.True(t, strings.HasPrefix(bodies[0], "{\n  \"id\": \"cs_test_"))
	require.Equal(t, 1, b.worked(sessionsPath))
}

func TestAKeyStillAtWorkIs409AndTheRetryIsReplayed(t *testing.T) {
	b := setup(t)
	release := b.Stall(1)
	first := make(chan string, 1)
	go func() {
		s, err := b.api.CheckoutSessions.New(topUp("k", 2500))
		if err != nil {
			first <- err.Error()
			return
		}
		first <- s.ID
	}()
	require.Eventually(t, func() bool { return b.Stalled() == 1 }, dbtest.Patience, time.Millisecond)
	_, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.Equal(t, http.StatusConflict, refusal(t, err).HTTPStatusCode)
	require.Equal(t, stripe.ErrorCodeIdempotencyKeyInUse, refusal(t, err).Code)
	_, err = b.client(2).CheckoutSessions.New(topUp("k", 2500))
	require.Equal(t, http.StatusConflict, refusal(t, err).HTTPStatusCode)
	require.Len(t, b.Requests(), 1+1+3, "stripe-go asks three times")

	release()
	release() // twice is harmless
	id := <-first
	again, err := b.client(2).CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	require.Equal(t, id, again.ID)
	require.Equal(t, 1, b.worked(sessionsPath))
}

func TestErrorsAreKeptOnceTheWorkBegan(t *testing.T) {
	b := setup(t)
	_, intent := b.paid(t, 1000)
	p := &stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(1001)}
	p.SetIdempotencyKey("r")
	_, err := b.api.Refunds.New(p)
	first := refusal(t, err)
	require.Equal(t, "amount", first.Param)
	_, err = b.api.Refunds.New(p)
	require.Equal(t, first.Msg, refusal(t, err).Msg)
	require.Equal(t, "true", refusal(t, err).LastResponse.Header.Get("Idempotent-Replayed"))
	require.Equal(t, string(first.LastResponse.RawJSON), string(refusal(t, err).LastResponse.RawJSON))
}

func TestFailuresAfterTheWorkBeganAreReplayedAndOthersAreNot(t *testing.T) {
	b := setup(t)
	for status, kept := range map[int]bool{500: true, 402: true, 503: false, 429: false, 409: false, 400: false} {
		key := "k" + http.StatusText(status)
		b.Fail(1, status)
		_, err := b.api.CheckoutSessions.New(topUp(key, 2500))
		require.Equal(t, status, refusal(t, err).HTTPStatusCode)
		s, err := b.api.CheckoutSessions.New(topUp(key, 2500))
		if !kept {
			require.NoError(t, err, status)
			require.Equal(t, stripe.CheckoutSessionStatusOpen, s.Status)
			continue
		}
		require.Equal(t, status, refusal(t, err).HTTPStatusCode)
		require.Equal(t, "true", refusal(t, err).LastResponse.Header.Get("Idempotent-Replayed"))
	}
	require.Equal(t, 4, b.worked(sessionsPath))
}

func TestStripeGoRetriesWhatIsSafe(t *testing.T) {
	b := setup(t)
	b.Fail(2, http.StatusServiceUnavailable)
	_, err := b.client(2).CheckoutSessions.New(topUp("k1", 2500))
	require.NoError(t, err)
	require.Len(t, b.Requests(), 3)
	b.Fail(3, http.StatusServiceUnavailable)
	_, err = b.client(2).CheckoutSessions.New(topUp("k2", 2500))
	require.Equal(t, http.StatusServiceUnavailable, refusal(t, err).HTTPStatusCode)
	b.Fail(2, http.StatusInternalServerError)
	_, err = b.client(2).PaymentIntents.Get("pi_none", nil)
	require.Equal(t, http.StatusNotFound, refusal(t, err).HTTPStatusCode, "reads are asked again after a 500")
}

func TestALostAnswerIsResumedWithTheSameKey(t *testing.T) {
	b := setup(t)
	b.Drop(1)
	_, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.Error(t, err)
	require.Len(t, b.Requests(), 1)
	require.True(t, b.Requests()[0].Lost)
	require.Equal(t, http.StatusOK, b.Requests()[0].Status, "the work was done")
	s, err := b.api.CheckoutSessions.New(topUp("k", 2500))
	require.NoError(t, err)
	require.NoError(t, b.Complete(s.ID))
	require.True(t, b.Requests()[1].Replayed)
	require.Equal(t, 1, b.worked(sessionsPath))

	b.Drop(2)
	_, err = b.client(2).CheckoutSessions.New(topUp("k-again", 2500))
	require.NoError(t, err, "stripe-go resumes by itself")
	require.Equal(t, 2, b.worked(sessionsPath))

	_, intent := b.paid(t, 1000)
	refund := &stripe.RefundParams{PaymentIntent: stripe.String(intent), Amount: stripe.Int64(1000)}
	refund.SetIdempotencyKey("r")
	b.Drop(1)
	_, err = b.api.Refunds.New(refund)
	require.Error(t, err)
	_, err = b.api.Refunds.New(refund)
	require.NoError(t, err)
	require.Equal(t, 1, b.worked("/v1/refunds"))
}

func TestCloseFreesWhatIsStalled(t *testing.T) {
	b := setup(t)
	b.Stall(1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = b.api.CheckoutSessions.New(topUp("k", 2500))
	}()
	require.Eventually(t, func() bool { return b.Stalled() == 1 }, dbtest.Patience, time.Millisecond)
	require.NoError(t, b.Close())
	<-done
	require.NoError(t, b.Close(), "twice is harmless")
	_, err := b.Listen("127.0.0.1:0")
	require.Error(t, err)
}
