package marketplace_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

func (s *stall) importPlaces(text string) (marketplace.PlacesReport, error) {
	return marketplace.ImportPlaces(s.ctx, s.d, strings.NewReader(text), nil)
}

func TestPlacesAreImportedFromADirectoryOfPostcodes(t *testing.T) {
	t.Parallel()
	s := setup(t)
	_, known, err := marketplace.LocateIn(s.ctx, s.d, "QQ1")
	require.NoError(t, err)
	require.False(t, known)
	file := "\ufeffpcd,pcd2,pcds,dointr,lad23cd,lad23nm,lat,long\n" +
		"\"QQ1 1AA\",\"QQ1  1AA\",\"QQ1 1AA\",198001,E07000001,Northmoor,51.5,-1.5\n" +
		"\"QQ1 1AB\",\"QQ1  1AB\",\"QQ1 1AB\",198001,E07000001,Northmoor,51.7,-1.7\n" +
		"\"QQ12 9ZZ\",\"QQ129ZZ\",\"QQ12 9ZZ\",198001,E07000002,Southmoor,50.1,0.2\n" +
		"\"QQ9 9ZZ\",\"QQ9  9ZZ\",\"QQ9 9ZZ\",198001,E07000002,Southmoor,99.999999,0.0\n"
	for range 2 { // a second time changes nothing
		report, err := s.importPlaces(file)
		require.NoError(t, err)
		require.Equal(t, marketplace.PlacesReport{Rows: 4, Places: 5, Outcodes: 2, Skipped: 1}, report)
		require.Equal(t, 5, s.count("place"))
	}
	for typed, want := range map[string]marketplace.Point{
		"qq11aa": {Postcode: "QQ1 1AA", Area: "Northmoor", Lat: 51.5, Lon: -1.5},
		"QQ1":    {Postcode: "QQ1", Area: "Northmoor", Lat: 51.6, Lon: -1.6},
		"QQ12":   {Postcode: "QQ12", Area: "Southmoor", Lat: 50.1, Lon: 0.2},
	} {
		for range 2 { // the second from what is kept
			got, known, err := marketplace.LocateIn(s.ctx, s.d, typed)
			require.NoError(t, err)
			require.True(t, known, typed)
			require.InDelta(t, want.Lat, got.Lat, 1e-9)
			require.InDelta(t, want.Lon, got.Lon, 1e-9)
			require.Equal(t, [2]string{want.Postcode, want.Area}, [2]string{got.Postcode, got.Area})
		}
	}

	// An offer may be there, and is found from there; a moved code is known at once.
	draft := club(tariffOf(option("Each", charge("place", "session", 1200))))
	draft.Setting.Postcode = "qq1 1ab"
	made := s.publish(s.owner, draft)
	require.Equal(t, "Northmoor", made.Setting.Area)
	require.Len(t, s.search(marketplace.SearchQuery{Postcode: "QQ1", WithinKM: 20}), 1)
	require.Empty(t, s.search(marketplace.SearchQuery{Postcode: "QQ12", WithinKM: 100}))
	_, err = s.importPlaces("outcode,area,latitude,longitude\nQQ12,Northmoor,51.6,-1.6\n")
	require.NoError(t, err)
	require.Len(t, s.search(marketplace.SearchQuery{Postcode: "QQ12", WithinKM: 20}), 1)
}

func TestPlacesAreImportedAllOrNone(t *testing.T) {
	t.Parallel()
	s := setup(t)
	report, err := s.importPlaces("postcode,area,latitude,longitude\nQQ1 1AA,A,51,-1\nnonsense,A,51,-1\nQQ1 1AB,A,x,-181\n")
	require.ErrorIs(t, err, shortbreaks.ErrInvalid)
	require.Equal(t, []marketplace.ImportError{
		{Row: 3, Column: "postcode", Detail: "This is not a postcode or an outcode."},
		{Row: 4, Column: "latitude", Detail: "Give degrees from -90 to 90."},
		{Row: 4, Column: "longitude", Detail: "Give degrees from -180 to 180."},
	}, report.Errors)
	require.Zero(t, s.count("place"))
	for text, words := range map[string]string{
		"": "empty", "postcode,area\nQQ1,A\n": "latitude and longitude",
	} {
		_, err := s.importPlaces(text)
		require.ErrorContains(t, err, words)
	}
	_, err = s.importPlaces("postcode,area,latitude,longitude\n" + strings.Repeat("x,A,51,-1\n", 1000))
	require.ErrorContains(t, err, "more than 100")
}
