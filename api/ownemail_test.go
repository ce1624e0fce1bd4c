package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api"
	"shortbreaks/api/gen"
)

func TestAnEmailAddressIsItsOwnersAlone(t *testing.T) {
	w := setup(t)
	const path = "/v1/own-email"
	mine := into[gen.OwnEmail](w.mother.ask(http.MethodPut, path, object{"address": "canary@example.org"}), 200)
	require.Equal(t, "canary@example.org", *mine.Waiting)
	require.NotNil(t, mine.ExpiresAt)
	require.Nil(t, mine.Address)
	require.Equal(t, mine, into[gen.OwnEmail](w.mother.get(path), 200))
	require.Equal(t, gen.OwnEmail{}, into[gen.OwnEmail](w.father.get(path), 200))
	w.mother.ask(http.MethodPut, path+"/confirmation", object{"code": "00000-00000"}).refused(409, "email-code-wrong")
	w.father.ask(http.MethodPut, path+"/confirmation", object{"code": "00000-00000"}).refused(409, "email-code-wrong")
	require.Equal(t, 204, w.father.ask(http.MethodDelete, path, nil).status)
	require.Equal(t, mine, into[gen.OwnEmail](w.mother.get(path), 200), "the other parent took away what was the other parent's")
	require.Equal(t, 204, w.mother.ask(http.MethodDelete, path, nil).status)
	require.Equal(t, gen.OwnEmail{}, into[gen.OwnEmail](w.mother.get(path), 200))
	w.mother.ask(http.MethodPut, path, object{"address": "no address"}).refused(422, "invalid")
	for range 3 {
		require.Equal(t, 200, w.mother.ask(http.MethodPut, path, object{"address": "canary@example.org"}).status)
	}
	w.mother.ask(http.MethodPut, path, object{"address": "canary@example.org"}).refused(409, "email-asked-often")
	require.NotContains(t, w.log.String(), "canary")
}

func TestWithoutAMailServerNoAddressIsAskedFor(t *testing.T) {
	w := setup(t, func(c *api.Config) { c.Mail = false })
	w.mother.ask(http.MethodPut, "/v1/own-email", object{"address": "mother@example.org"}).refused(409, "email-unavailable")
	require.Equal(t, 204, w.mother.ask(http.MethodDelete, "/v1/own-email", nil).status, "what there is can be taken away")
}
