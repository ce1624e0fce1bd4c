package marketplace_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shortbreaks"
	"shortbreaks/marketplace"
)

// drawing is red on the left, blue on the right and green along the top.
func drawing(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 220, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 220, A: 255}
			}
			if y < h/4 {
				c = color.RGBA{G: 220, A: 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func jpegOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, drawing(w, h), nil))
	return b.Bytes()
}

func pngOf(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, drawing(w, h)))
	return b.Bytes()
}

// segment is a JPEG segment.
func segment(mark byte, body []byte) []byte {
	s := []byte{0xFF, mark, 0, 0}
	binary.BigEndian.PutUint16(s[2:], uint16(len(body)+2))
	return append(s, body...)
}

// exif is a directory with an orientation and a pointer to where the photo was
// taken: 51 degrees 30 minutes north, in the words of the format.
func exif(how uint16, order binary.ByteOrder) []byte {
	le := order == binary.ByteOrder(binary.LittleEndian)
	t := []byte("MM")
	if le {
		t = []byte("II")
	}
	u16 := func(v uint16) { t = append(t, 0, 0); order.PutUint16(t[len(t)-2:], v) }
	u32 := func(v uint32) { t = append(t, 0, 0, 0, 0); order.PutUint32(t[len(t)-4:], v) }
	u16(42)
	u32(8)
	u16(2) // two entries: orientation; GPS directory
	u16(0x0112)
	u16(3)
	u32(1)
	u16(how)
	u16(0)
	u16(0x8825)
	u16(4)
	u32(1)
	u32(38)
	u32(0)
	u16(2) // GPS: latitude reference; latitude
	u16(1)
	u16(2)
	u32(2)
	t = append(t, 'N', 0, 0, 0)
	u16(2)
	u16(5)
	u32(3)
	u32(68)
	u32(0)
	for _, part := range []uint32{51, 1, 30, 1, 2643, 100} {
		u32(part)
	}
	t = append(t, "GPS-CANARY 12 Willow Road"...)
	return append([]byte("Exif\x00\x00"), t...)
}

// tagged puts segments behind the start of a JPEG.
func tagged(photo []byte, segments ...[]byte) []byte {
	return slices.Concat(photo[:2], slices.Concat(segments...), photo[2:])
}

// marks lists the segments of a JPEG before its picture data.
func marks(t *testing.T, raw []byte) (found []byte) {
	t.Helper()
	for at := 2; raw[at+1] != 0xDA; {
		require.Equal(t, byte(0xFF), raw[at])
		found = append(found, raw[at+1])
		at += 2 + int(binary.BigEndian.Uint16(raw[at+2:]))
	}
	return found
}

func TestPhoto_NothingOfWhereItWasTakenIsKept(t *testing.T) {
	t.Parallel()
	planted := tagged(jpegOf(t, 800, 600), segment(0xE1, exif(1, binary.BigEndian)),
		segment(0xE1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>XMP-CANARY</x:xmpmeta>")),
		segment(0xED, []byte("Photoshop 3.0\x00IPTC-CANARY")), segment(0xFE, []byte("COMMENT-CANARY")))
	require.Contains(t, string(planted), "GPS-CANARY")
	p, err := marketplace.Remake(planted, "image/jpeg")
	require.NoError(t, err)
	for _, made := range [][]byte{p.Large, p.Small} {
		require.NotContains(t, string(made), "CANARY")
		require.NotContains(t, string(made), "Exif")
		for _, mark := range marks(t, made) {
			require.Contains(t, []byte{0xDB, 0xC0, 0xC4}, mark, "tables and the frame, and nothing else")
		}
	}
	require.Equal(t, []int{800, 600, 480, 360}, []int{p.Width, p.Height, p.SmallWidth, p.SmallHeight})

	text := chunk("tEXt", "Location\x00PNG-CANARY")
	raw := pngOf(t, 300, 200)
	p, err = marketplace.Remake(slices.Concat(raw[:33], text, raw[33:]), "image/png")
	require.NoError(t, err)
	require.NotContains(t, string(p.Large), "CANARY")
	require.True(t, bytes.HasPrefix(p.Large, []byte{0xFF, 0xD8, 0xFF}), "a PNG becomes a JPEG")
}

// chunk is a PNG chunk.
func chunk(kind, body string) []byte {
	c := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	c = append(append(c, kind...), body...)
	return binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
}

func TestPhoto_IsShownTheWayItWasHeld(t *testing.T) {
	t.Parallel()
	const w, h = 400, 240
	// Where the stored corners "left below the green" (red), "right below the
	// green" (blue) and "top" (green) are seen, as fractions of eight.
	type spot struct{ x, y int }
	seen := map[uint16]map[string]spot{
		1: {"red": {1, 6}, "blue": {7, 6}, "green": {4, 1}}, 2: {"red": {7, 6}, "blue": {1, 6}, "green": {4, 1}},
		3: {"red": {7, 2}, "blue": {1, 2}, "green": {4, 7}}, 4: {"red": {1, 2}, "blue": {7, 2}, "green": {4, 7}},
		5: {"red": {6, 1}, "blue": {6, 7}, "green": {1, 4}}, 6: {"red": {2, 1}, "blue": {2, 7}, "green": {7, 4}},
		7: {"red": {2, 7}, "blue": {2, 1}, "green": {7, 4}}, 8: {"red": {6, 7}, "blue": {6, 1}, "green": {1, 4}},
		9: {"red": {1, 6}, "blue": {7, 6}, "green": {4, 1}}, // no such way: as it is
	}
	for how, spots := range seen {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			p, err := marketplace.Remake(tagged(jpegOf(t, w, h), segment(0xE1, exif(how, order))), "image/jpeg")
			require.NoError(t, err)
			made, err := jpeg.Decode(bytes.NewReader(p.Large))
			require.NoError(t, err)
			width, height := w, h
			if how >= 5 && how <= 8 {
				width, height = h, w
			}
			require.Equal(t, image.Pt(width, height), made.Bounds().Max, "held %d", how)
			for name, at := range spots {
				r, g, b, _ := made.At(width*at.x/8, height*at.y/8).RGBA()
				strongest := map[uint32]string{r: "red", g: "green", b: "blue"}[max(r, g, b)]
				require.Equal(t, name, strongest, "held %d at %v", how, at)
			}
		}
	}
}

func TestPhoto_IsMadeSmallerNeverLarger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, lw, lh, sw, sh int }{
		{200, 200, 200, 200, 200, 200}, {3200, 1600, 1600, 800, 480, 240}, {1000, 4000, 400, 1600, 120, 480}, {1601, 1600, 1600, 1599, 480, 479},
	} {
		p, err := marketplace.Remake(jpegOf(t, c.w, c.h), "image/jpeg")
		require.NoError(t, err)
		require.Equal(t, []int{c.lw, c.lh, c.sw, c.sh}, []int{p.Width, p.Height, p.SmallWidth, p.SmallHeight})
		small, err := jpeg.DecodeConfig(bytes.NewReader(p.Small))
		require.NoError(t, err)
		require.Equal(t, []int{c.sw, c.sh}, []int{small.Width, small.Height})
	}
	// What can be seen through becomes white.
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 200, 200))))
	p, err := marketplace.Remake(b.Bytes(), "image/png")
	require.NoError(t, err)
	m, err := jpeg.Decode(bytes.NewReader(p.Large))
	require.NoError(t, err)
	r, g, bl, _ := m.At(100, 100).RGBA()
	require.Greater(t, min(r, g, bl), uint32(0xFA00))
}

// webpOf is one colour, w by h: a lossless WebP whose five codes have one
// symbol each, so that the pixels take no bits at all.
func webpOf(w, h int) []byte {
	var bits []byte
	n := 0
	put := func(value, width int) {
		for i := range width {
			if n%8 == 0 {
				bits = append(bits, 0)
			}
			bits[n/8] |= byte(value>>i&1) << (n % 8)
			n++
		}
	}
	put(w-1, 14)
	put(h-1, 14)
	put(0, 1+3)   // no alpha, version 0
	put(0, 1+1+1) // no transform, no cache of colours, one group of codes
	for _, symbol := range []int{120, 200, 40, 255} {
		put(1, 1) // a simple code
		put(0, 1) // of one symbol
		put(1, 1) // of eight bits
		put(symbol, 8)
	}
	put(1, 1)
	put(0, 3) // distances: one symbol of one bit
	body := append([]byte{0x2F}, bits...)
	file := append([]byte("WEBPVP8L"), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	file = append(file, body...)
	if len(body)%2 == 1 {
		file = append(file, 0)
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(file))), file...)
}

func TestPhoto_WebPIsTaken(t *testing.T) {
	t.Parallel()
	raw := webpOf(200, 200)
	p, err := marketplace.Remake(raw, "image/webp")
	require.NoError(t, err)
	require.Equal(t, []int{200, 200}, []int{p.Width, p.Height})
	_, err = marketplace.Remake(append(raw, "<script>"...), "image/webp")
	require.ErrorIs(t, err, marketplace.ErrPhotoRefused)
}

// A head that claims 50,000 by 50,000 pixels is refused before anything is
// unpacked.
func TestPhoto_ABombIsRefusedUnopened(t *testing.T) {
	t.Parallel()
	head := string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 50_000), 50_000)) + "\x08\x02\x00\x00\x00"
	bombs := map[string][]byte{"image/png": slices.Concat([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", head), chunk("IDAT", "x\x9c"), chunk("IEND", ""))}
	raw := jpegOf(t, 300, 300)
	frame := bytes.Index(raw, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(raw[frame+5:], 50_000)
	binary.BigEndian.PutUint16(raw[frame+7:], 50_000)
	bombs["image/jpeg"] = raw
	for kind, bomb := range bombs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := marketplace.Remake(bomb, kind)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, marketplace.ErrPhotoRefused, kind)
		require.ErrorContains(t, err, "too many pixels", kind)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20), kind)
	}
}

func TestPhoto_WhatIsTwoThingsAtOnceIsRefused(t *testing.T) {
	t.Parallel()
	photo, drawn := jpegOf(t, 300, 300), pngOf(t, 300, 300)
	manyScans := slices.Clone(photo[:len(photo)-2])
	for range 70 {
		manyScans = append(manyScans, segment(0xDA, []byte{1, 1, 0, 0, 63, 0})...)
	}
	for name, c := range map[string]struct {
		kind string
		raw  []byte
	}{
		"an archive behind":    {"image/jpeg", append(slices.Clone(photo), "PK\x03\x04 an archive"...)},
		"a page behind":        {"image/jpeg", append(slices.Clone(photo), "<html><script>alert(1)</script>"...)},
		"a page behind two":    {"image/jpeg", slices.Concat(photo, photo, []byte("<html>"))},
		"a page behind a PNG":  {"image/png", append(slices.Clone(drawn), "<script>"...)},
		"a PNG called a JPEG":  {"image/jpeg", drawn},
		"a JPEG called a WebP": {"image/webp", photo},
		"a page":               {"image/jpeg", []byte("<html>")},
		"a picture in words":   {"image/png", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>`)},
		"cut short":            {"image/jpeg", photo[:len(photo)/2]},
		"no end":               {"image/png", drawn[:len(drawn)-12]},
		"damaged":              {"image/png", append(append(slices.Clone(drawn[:60]), 1, 2, 3), drawn[63:]...)},
		"nothing":              {"image/jpeg", nil},
		"too small":            {"image/jpeg", jpegOf(t, 199, 300)},
		"drawn a hundredfold":  {"image/jpeg", append(manyScans, 0xFF, 0xD9)},
		"too heavy":            {"image/jpeg", append(slices.Clone(photo), make([]byte, 5<<20)...)},
	} {
		_, err := marketplace.Remake(c.raw, c.kind)
		require.ErrorIs(t, err, marketplace.ErrPhotoRefused, name)
	}
	for name, raw := range map[string][]byte{
		"a second picture behind, as phones do": slices.Concat(photo, photo), "zeros behind, as cameras do": append(slices.Clone(photo), 0, 0, 0),
	} {
		_, err := marketplace.Remake(raw, "image/jpeg")
		require.NoError(t, err, name)
	}
}

func FuzzPhoto(f *testing.F) {
	small := func(raw []byte) []byte { return raw[:min(len(raw), 4096)] }
	f.Add("image/jpeg", small(tagged(jpegOf(f, 200, 200), segment(0xE1, exif(6, binary.LittleEndian)))))
	f.Add("image/png", small(pngOf(f, 200, 200)))
	f.Add("image/webp", webpOf(200, 200))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		if c, _, err := image.DecodeConfig(bytes.NewReader(raw)); err != nil || c.Width*c.Height > 1<<17 {
			_ = marketplace.Inspect(raw, kind) // drawing millions of pixels would leave no time to try much else
			return
		}
		p, err := marketplace.Remake(raw, kind)
		if err == nil && (len(p.Large) == 0 || p.Width < 1) {
			t.Fatal("a photo of nothing")
		}
	})
}

func (s *stall) upload(who shortbreaks.Actor, o *marketplace.OfferDetail, alt string) *marketplace.Photo {
	s.t.Helper()
	p, err := marketplace.UploadPhoto(s.ctx, s.d, who, o.Offer.ID, marketplace.NewPhoto{AltText: alt, ContentType: "image/jpeg", Body: jpegOf(s.t, 300, 200)})
	require.NoError(s.t, err)
	return p
}
