package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

func TestRecovered_APanicSaysNothingOfItself(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.HTTPErrorHandler = HandleError
	k := contract(t)
	e.Use(recovered, k.Manners(), deadline)
	e.GET("/panic", func(echo.Context) error { panic("SECRET of Sam") })
	e.GET("/abort", func(echo.Context) error { panic(http.ErrAbortHandler) })
	e.GET("/until", func(c echo.Context) error {
		until, ok := c.Request().Context().Deadline()
		require.True(t, ok)
		require.Less(t, time.Until(until), requestWithin)
		require.Less(t, requestWithin, writeWithin) // or the answer could not be written any more
		return c.NoContent(http.StatusNoContent)
	})
	rec := ask(e, http.MethodGet, "/panic", "")
	require.Equal(t, http.StatusInternalServerError, rec.Code)
	require.Equal(t, "internal", problem(t, rec).Code)
	require.NotContains(t, rec.Body.String(), "SECRET")
	require.PanicsWithError(t, http.ErrAbortHandler.Error(), func() { ask(e, http.MethodGet, "/abort", "") })
	require.Equal(t, http.StatusNoContent, ask(e, http.MethodGet, "/until", "").Code)
}
