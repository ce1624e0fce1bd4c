package api_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks/api/gen"
)

// photo is a JPEG with a comment behind its start.
func photo(t *testing.T, comment string) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 300, 200)), nil))
	raw := b.Bytes()
	mark := append([]byte{0xFF, 0xFE, 0, byte(len(comment) + 2)}, comment...)
	return append(append(append([]byte{}, raw[:2]...), mark...), raw[2:]...)
}

func TestPhotos_UploadedSeenOrderedRemoved(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	o := w.publish(w.stars, club())
	path := "/v1/offers/" + o.Offer.ID.String()
	const alt = "/photos?alt_text=A%20sunny%20hall"
	up := owner.post(path+alt, photo(t, "CANARY 51.5 N"), "Content-Type: image/jpeg; q=1")
	p := into[gen.OfferPhoto](up, 201)
	require.Equal(t, "A sunny hall", p.AltText)
	require.Equal(t, path+"/photos/"+p.ID.String(), up.header.Get("Location"))

	seen := w.nobody().get(up.header.Get("Location"))
	require.Equal(t, 200, seen.status)
	require.Equal(t, "image/jpeg", seen.header.Get("Content-Type"))
	require.Equal(t, "nosniff", seen.header.Get("X-Content-Type-Options"))
	require.Equal(t, "public, max-age=31536000, immutable", seen.header.Get("Cache-Control"))
	require.NotContains(t, string(seen.body), "CANARY")
	tag := seen.header.Get("ETag")
	require.Len(t, tag, 66)
	again := w.nobody().ask(http.MethodGet, up.header.Get("Location"), nil, `If-None-Match: "x", W/`+tag)
	require.Equal(t, http.StatusNotModified, again.status)
	require.Empty(t, again.body)
	require.Equal(t, tag, again.header.Get("ETag"))
	small := w.nobody().ask(http.MethodGet, up.header.Get("Location")+"?size=small", nil, "If-None-Match: "+tag)
	require.Equal(t, 200, small.status, "the small one is another file")

	second := into[gen.OfferPhoto](owner.post(path+alt, photo(t, ""), "Content-Type: image/jpeg"), 201)
	ordered := into[gen.Offer](owner.ask(http.MethodPut, path+"/photo-order", object{"photo_ids": []any{second.ID, p.ID}}), 200)
	require.Equal(t, second.ID, ordered.Photos[0].ID)
	require.Equal(t, http.StatusNoContent, owner.ask(http.MethodDelete, path+"/photos/"+p.ID.String(), nil).status)
	w.nobody().get(path+"/photos/"+p.ID.String()).refused(404, "not-found")
	require.Len(t, into[gen.Offer](w.nobody().get(path), 200).Photos, 1)

	draft := into[gen.Offer](owner.post("/v1/offers", draftBody()), 201)
	hidden := owner.post("/v1/offers/"+draft.ID.String()+alt, photo(t, ""), "Content-Type: image/jpeg").header.Get("Location")
	w.nobody().get(hidden).refused(404, "not-found")
	require.Equal(t, "private, no-store", owner.get(hidden).header.Get("Cache-Control"), "a draft is kept by nobody")
}

func TestPhotos_Refusals(t *testing.T) {
	w := setup(t)
	owner := w.as(w.stars.Owner)
	path := "/v1/offers/" + w.publish(w.stars, club()).Offer.ID.String()
	const alt = "/photos?alt_text=A%20sunny%20hall"
	good := photo(t, "")
	for name, c := range map[string]struct {
		query, kind string
		body        []byte
		status      int
		code        string
	}{
		"JSON":           {alt, "application/json", []byte("{}"), 415, "unsupported-media-type"},
		"a drawing":      {alt, "image/svg+xml", []byte("<svg/>"), 415, "unsupported-media-type"},
		"no kind":        {alt, ";", good, 415, "unsupported-media-type"},
		"another kind":   {alt, "image/png", good, 422, "photo-refused"},
		"nothing":        {alt, "image/jpeg", nil, 422, "photo-refused"},
		"a page behind":  {alt, "image/jpeg", append(append([]byte{}, good...), "<script>"...), 422, "photo-refused"},
		"no words":       {"/photos", "image/jpeg", good, 400, "malformed"},
		"few words":      {"/photos?alt_text=Hall", "image/jpeg", good, 400, "malformed"},
		"only spaces":    {"/photos?alt_text=%20%20%20%20%20%20", "image/jpeg", good, 422, "invalid"},
		"too many words": {"/photos?alt_text=" + strings.Repeat("a", 201), "image/jpeg", good, 400, "malformed"},
		"too large":      {alt, "image/jpeg", make([]byte, 5<<20+1), 413, "body-too-large"},
	} {
		a := owner.post(path+c.query, c.body, "Content-Type: "+c.kind)
		require.Equal(t, c.status, a.status, "%s: %s", name, a.body)
		a.refused(c.status, c.code)
	}
	require.Empty(t, into[gen.Offer](w.nobody().get(path), 200).Photos)
}
