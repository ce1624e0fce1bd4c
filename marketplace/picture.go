package marketplace

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // a decoder
	"slices"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // a decoder

	"shortbreaks"
)

// The limits of a photo, in pixels. What a file claims to hold is read from
// its head and judged before anything is unpacked: a few bytes can claim
// gigabytes.
const (
	maxPixels     = 25_000_000 // 5,000 by 5,000
	maxSide       = 12_000
	minSide       = 200
	largeSide     = 1600 // the longest side of what is kept
	smallSide     = 480
	largeQuality  = 82
	smallQuality  = 78
	maxPhotoBytes = 5 << 20
	maxScans      = 64 // of a progressive JPEG, which is drawn whole for each; ten are usual
)

// PhotoTypes are the kinds of file a photo may come in.
var PhotoTypes = []string{"image/jpeg", "image/png", "image/webp"}

// picture is a photo made anew in two sizes.
type picture struct {
	large, small                           []byte // JPEG, with no metadata at all
	width, height, smallWidth, smallHeight int
	digest                                 string
}

// remake decodes a photo and draws it afresh, so that nothing of the file as
// it came is kept: no place or time where it was taken, no camera, no name,
// and nothing that hides behind a picture.
func remake(raw []byte, contentType string) (*picture, error) {
	if err := inspect(raw, contentType); err != nil {
		return nil, err
	}
	whole, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, badPhoto("This file is damaged. Save the photo again and try once more.")
	}
	turn := orientation(raw)
	p := &picture{}
	large := turned(fitted(whole, largeSide), turn)
	small := fitted(large, smallSide)
	if p.large, err = encoded(large, largeQuality); err != nil {
		return nil, err
	}
	if p.small, err = encoded(small, smallQuality); err != nil {
		return nil, err
	}
	p.width, p.height = large.Bounds().Dx(), large.Bounds().Dy()
	p.smallWidth, p.smallHeight = small.Bounds().Dx(), small.Bounds().Dy()
	sum := sha256.New()
	sum.Write(p.large)
	sum.Write(p.small)
	p.digest = hex.EncodeToString(sum.Sum(nil))
	return p, nil
}

func badPhoto(words string) error { return ErrPhotoRefused.With(words) }

// inspect refuses a file by what can be seen without unpacking it.
func inspect(raw []byte, contentType string) error {
	if len(raw) == 0 || len(raw) > maxPhotoBytes {
		return badPhoto("Send a photo of at most 5 MB.")
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(raw))
	if err != nil || contentType != "image/"+format || !slices.Contains(PhotoTypes, contentType) {
		return badPhoto("This is not a JPEG, PNG or WebP photo of the type it says it is.")
	}
	w, h := config.Width, config.Height
	switch {
	case w > maxSide || h > maxSide || w*h > maxPixels:
		return badPhoto("This photo has too many pixels. Make it smaller: 25 million at most, and 12,000 on a side.")
	case w < minSide || h < minSide:
		return badPhoto("This photo is too small: it needs 200 pixels on each side.")
	case !endsWhole(raw, format):
		return badPhoto("Something else follows the photo in this file. Save the photo again and send the new file.")
	}
	return nil
}

// endsWhole reports whether a file ends with its picture. A file that is two
// things at once, a picture and an archive or a page, has the other behind it.
func endsWhole(raw []byte, format string) bool {
	switch format {
	case "jpeg":
		return jpegEnds(raw)
	case "png":
		return pngEnds(raw)
	}
	return len(raw) >= 8 && int(binary.LittleEndian.Uint32(raw[4:8]))+8 == len(raw) // RIFF: bytes after these eight
}

// jpegEnds walks the segments. Phones put further pictures behind the first
// one, and cameras fill up with zeros: both may stand there.
func jpegEnds(raw []byte) bool {
	for at := 0; ; {
		end := jpegEnd(raw[at:])
		if end < 0 {
			return false
		}
		at += end
		for at < len(raw) && raw[at] == 0 {
			at++
		}
		if at == len(raw) {
			return true
		}
		if !bytes.HasPrefix(raw[at:], []byte{0xFF, 0xD8, 0xFF}) {
			return false
		}
	}
}

// jpegEnd is where a JPEG ends, or -1 if it does not or has too many scans.
func jpegEnd(raw []byte) int {
	at, scans := 2, 0 // behind the start of the image
	for at+2 <= len(raw) {
		if raw[at] != 0xFF {
			at++ // coded picture data
			continue
		}
		switch mark := raw[at+1]; {
		case mark == 0xD9: // end of the image
			return at + 2
		case mark == 0xFF: // filling
			at++
		case mark == 0x00, mark == 0x01, mark >= 0xD0 && mark <= 0xD8:
			at += 2
		case at+4 > len(raw):
			return -1
		default: // a segment with its length
			if mark == 0xDA {
				scans++
			}
			if scans > maxScans {
				return -1
			}
			at += 2 + int(binary.BigEndian.Uint16(raw[at+2:]))
		}
	}
	return -1
}

// pngEnds walks the chunks to the last, which must end the file.
func pngEnds(raw []byte) bool {
	for at := 8; at+12 <= len(raw); {
		next := at + 12 + int(binary.BigEndian.Uint32(raw[at:]))
		if string(raw[at+4:at+8]) == "IEND" {
			return next == len(raw)
		}
		at = next
	}
	return false
}

// fitted draws a picture on white, at most so long on its longest side; it is
// never made larger. A large one is first averaged down by a whole number:
// scaling it in one go would take hundreds of megabytes.
func fitted(from image.Image, longest int) *image.RGBA {
	w, h := from.Bounds().Dx(), from.Bounds().Dy()
	most := max(w, h)
	near := averaged(from, max(1, most/longest))
	if most <= longest {
		return near
	}
	to := image.NewRGBA(image.Rect(0, 0, max(1, w*longest/most), max(1, h*longest/most)))
	draw.CatmullRom.Scale(to, to.Bounds(), near, near.Bounds(), draw.Src, nil)
	return to
}

// averaged makes one pixel of each n by n, on white, a strip at a time.
func averaged(from image.Image, n int) *image.RGBA {
	b := from.Bounds()
	to := image.NewRGBA(image.Rect(0, 0, max(1, b.Dx()/n), max(1, b.Dy()/n)))
	strip := image.NewRGBA(image.Rect(0, 0, b.Dx(), n))
	for y := range to.Rect.Dy() {
		draw.Draw(strip, strip.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(strip, strip.Rect, from, image.Pt(b.Min.X, b.Min.Y+y*n), draw.Over)
		for x := range to.Rect.Dx() {
			for c := range 4 {
				sum := 0
				for sy := range n {
					for sx := range n {
						sum += int(strip.Pix[strip.PixOffset(x*n+sx, sy)+c])
					}
				}
				to.Pix[to.PixOffset(x, y)+c] = byte(sum / (n * n)) //nolint:gosec // an average of bytes
			}
		}
	}
	return to
}

// turned is a picture the right way up. A phone stores what its sensor sees
// and notes how it was held (1 to 8); the note goes with the other metadata.
func turned(from *image.RGBA, how int) *image.RGBA {
	w, h := from.Bounds().Dx(), from.Bounds().Dy()
	// where the pixel that belongs at x, y is taken from
	source, ok := map[int]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, h - 1 - x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x },
		8: func(x, y int) (int, int) { return w - 1 - y, x },
	}[how]
	if !ok {
		return from
	}
	size := image.Rect(0, 0, w, h)
	if how >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	to := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			fx, fy := source(x, y)
			to.SetRGBA(x, y, from.RGBAAt(fx, fy))
		}
	}
	return to
}

// encoded writes a JPEG; Go's encoder writes no metadata.
func encoded(p image.Image, quality int) ([]byte, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encoding a photo: %w", err)
	}
	return slices.Clip(b.Bytes()), nil
}

// orientation reads from a JPEG's Exif how the camera was held; 1, upright, if
// it does not say.
func orientation(raw []byte) int {
	head := []byte("Exif\x00\x00")
	for at := 2; at+4 <= len(raw) && raw[at] == 0xFF && raw[at+1] != 0xDA; {
		length := int(binary.BigEndian.Uint16(raw[at+2:]))
		if length < 2 || at+2+length > len(raw) {
			return 1
		}
		body := raw[at+4 : at+2+length]
		if raw[at+1] == 0xE1 && bytes.HasPrefix(body, head) {
			return tiffOrientation(body[len(head):])
		}
		at += 2 + length
	}
	return 1
}

// tiffOrientation reads tag 0x0112 of the first directory of a TIFF.
func tiffOrientation(t []byte) int {
	var order binary.ByteOrder = binary.BigEndian
	if len(t) < 8 {
		return 1
	}
	if string(t[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(t[4:]))
	if at+2 > int64(len(t)) {
		return 1
	}
	count := int64(order.Uint16(t[at:]))
	for i := range count {
		entry := at + 2 + 12*i
		if entry+12 > int64(len(t)) {
			return 1
		}
		if order.Uint16(t[entry:]) == 0x0112 {
			return int(order.Uint16(t[entry+8:]))
		}
	}
	return 1
}

// ErrPhotoRefused is given for a file that is not a photo to be shown.
var ErrPhotoRefused = shortbreaks.NewError(shortbreaks.Invalid, "photo-refused", "This photo cannot be used")
