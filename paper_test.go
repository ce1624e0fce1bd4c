package shortbreaks_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shortbreaks"
)

var (
	pdfStream = regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`)
	pdfText   = regexp.MustCompile(`(?s)\(((?:[^\\()]|\\.)*)\) Tj`)
	pageOf    = regexp.MustCompile(`^Page \d+ of \d+$`)
)

// unescaped are the bytes of a PDF string.
func unescaped(text []byte) []byte {
	text = regexp.MustCompile(`(?s)\\(.)`).ReplaceAllFunc(text, func(m []byte) []byte {
		if m[1] == 'r' {
			return []byte{'\r'}
		}
		return m[1:]
	})
	return text
}

func fromUTF16(b []byte) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(units))
}

// wordsOf is all text drawn in a PDF, in its order, without spaces, since a
// line may end anywhere; and the number on each page.
func wordsOf(t require.TestingT, pdf []byte) (words string, pages []string) {
	var all strings.Builder
	for _, found := range pdfStream.FindAllSubmatch(pdf, -1) {
		r, err := zlib.NewReader(bytes.NewReader(found[1]))
		if err != nil {
			continue
		}
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		for _, text := range pdfText.FindAllSubmatch(content, -1) {
			line := fromUTF16(unescaped(text[1]))
			if pageOf.MatchString(line) {
				pages = append(pages, line)
				continue
			}
			all.WriteString(line)
		}
	}
	return unspaced(all.String()), pages
}

func unspaced(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

var tags = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)

// sentencesOf are the texts of a page, one for each element.
func sentencesOf(page string) (all []string) {
	for _, text := range tags.Split(page, -1) {
		if text = strings.TrimSpace(html.UnescapeString(text)); text != "" {
			all = append(all, text)
		}
	}
	return all
}

func drawn(t require.TestingT, p *shortbreaks.Paper) (page string, pdf []byte) {
	var a, b bytes.Buffer
	require.NoError(t, p.HTML(&a))
	require.NoError(t, p.PDF(&b))
	return a.String(), b.Bytes()
}

var made = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

// Whatever a paper says, its page and its PDF say the same, wherever lines and
// pages break.
func TestAPapersPageAndItsPDFSayTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.StringOfN(rapid.RuneFrom([]rune("aeiouyéłßñŴşΩж£€ (\\)<&>'\"–0123456789stWM   ")), 0, 200, -1)
		p := &shortbreaks.Paper{Title: "Q " + words.Draw(t, "title"), MadeAt: made}
		for range rapid.IntRange(0, 3).Draw(t, "sections") {
			s := shortbreaks.PaperSection{Heading: words.Draw(t, "heading"), Words: rapid.SliceOfN(words, 0, 20).Draw(t, "words")}
			if columns := rapid.IntRange(0, 4).Draw(t, "columns"); columns > 0 {
				s.Table = &shortbreaks.PaperTable{}
				row := rapid.SliceOfN(words, columns, columns)
				for range columns {
					s.Table.Columns = append(s.Table.Columns, shortbreaks.PaperColumn{
						Name: words.Draw(t, "column"), Share: rapid.IntRange(1, 5).Draw(t, "share"), Money: rapid.Bool().Draw(t, "money"),
					})
				}
				s.Table.Rows = rapid.SliceOfN(row, 0, 12).Draw(t, "rows")
				if rapid.Bool().Draw(t, "summed") {
					s.Table.Sum = row.Draw(t, "sum")
				}
			}
			p.Sections = append(p.Sections, s)
		}
		page, pdf := drawn(t, p)
		text, _ := wordsOf(t, pdf)
		for _, sentence := range sentencesOf(page) {
			require.Contains(t, text, unspaced(sentence))
		}
	})
}

func longPaper(rows int) *shortbreaks.Paper {
	p := &shortbreaks.Paper{Title: "A quote", MadeAt: made, Sections: []shortbreaks.PaperSection{{
		Heading: "What is bought", Words: []string{"It costs £12.00 at Café Łódź."},
		Table: &shortbreaks.PaperTable{
			Columns: []shortbreaks.PaperColumn{{Name: "Which day", Share: 3}, {Name: "Price", Share: 1, Money: true}},
			Sum:     []string{"Total", "£1.00"},
		},
	}}}
	for n := range rows {
		p.Sections[0].Table.Rows = append(p.Sections[0].Table.Rows, []string{fmt.Sprintf("Day %d", n), "£12.00"})
	}
	return p
}

func TestALongTableGoesOnUnderItsHeadings(t *testing.T) {
	t.Parallel()
	_, pdf := drawn(t, longPaper(100))
	text, pages := wordsOf(t, pdf)
	require.Equal(t, []string{"Page 1 of 3", "Page 2 of 3", "Page 3 of 3"}, pages)
	require.Equal(t, len(pages), strings.Count(text, "Whichday"), "the headings are on each page")
	for n := range 100 {
		require.Contains(t, text, fmt.Sprintf("Day%d£12.00", n))
	}
	_, short := drawn(t, longPaper(3))
	_, pages = wordsOf(t, short)
	require.Equal(t, []string{"Page 1 of 1"}, pages)
}

func TestARowLongerThanAPageGoesOn(t *testing.T) {
	t.Parallel()
	p := longPaper(1)
	p.Sections[0].Table.Rows[0][0] = "START" + strings.Repeat("y", 30_000) + "END"
	_, pdf := drawn(t, p)
	text, pages := wordsOf(t, pdf)
	require.Greater(t, len(pages), 1)
	require.Equal(t, 30_000, strings.Count(strings.ReplaceAll(text, "WhichdayPrice", ""), "y"))
	require.Contains(t, text, "END")
}

func TestWordsInAnotherAlphabetAreMarkedInThePDFAlone(t *testing.T) {
	t.Parallel()
	p := longPaper(1)
	p.Sections[0].Words = []string{"Zoé's club, with ليلى حسن and 🎈 (Cafe\u0301)."}
	page, pdf := drawn(t, p)
	require.Contains(t, page, "ليلى حسن and 🎈")
	require.NotContains(t, page, "another alphabet")
	text, _ := wordsOf(t, pdf)
	require.Contains(t, text, "Zoé'sclub,with[anotheralphabet]and[anotheralphabet](Café).")
	require.Contains(t, text, "couldnotbeprintedhere")
	_, plain := drawn(t, longPaper(1))
	text, _ = wordsOf(t, plain)
	require.NotContains(t, text, "couldnotbeprintedhere")
}

func TestAPDFIsTheSameBytesAndSaysWhatItIs(t *testing.T) {
	t.Parallel()
	p := longPaper(80)
	_, first := drawn(t, p)
	for range 5 {
		_, again := drawn(t, p)
		require.True(t, bytes.Equal(first, again))
	}
	require.Contains(t, string(first), "/Lang (en-GB)")
	require.Contains(t, string(first), "/CreationDate (D:20270104090000)")
	require.Contains(t, string(first), "/ModDate (D:20270104090000)")
	title := regexp.MustCompile(`(?s)/Title \(((?:[^\\()]|\\.)*)\)`).FindSubmatch(first)
	require.NotNil(t, title)
	require.Equal(t, "\ufeffA quote", fromUTF16(unescaped(title[1])))
	require.NotContains(t, string(first), "/Author")

	p.MadeAt = made.Add(time.Second)
	_, later := drawn(t, p)
	require.False(t, bytes.Equal(first, later))
}

func TestAPageLoadsAndRunsNothing(t *testing.T) {
	t.Parallel()
	p := longPaper(1)
	p.Sections[0].Words = []string{`<script>alert(1)</script><img src="https://example.org/x">`}
	page, _ := drawn(t, p)
	require.Contains(t, page, `<html lang="en-GB">`)
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.NotRegexp(t, `(src|href)="`, page)
	require.Equal(t, 1, strings.Count(page, `<th scope="row">Day 0</th>`))
}
