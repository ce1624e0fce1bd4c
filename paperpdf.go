package shortbreaks

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Measures of a page of A4, in millimetres and points.
const (
	paperEdge   = 15.0
	paperWide   = 210 - 2*paperEdge
	paperBottom = 297 - 18.0
	cellGap     = 3.0 // between columns
	textPoints  = 9.5
	lineHeight  = 4.6
)

// PDF draws the paper as a PDF of A4 pages: tables go on over pages with their
// headings repeated. The same paper is the same bytes. The typeface has the
// letters of Latin, Greek and Cyrillic; what is written in others is marked
// and a note sends the reader to the page, which shows all.
func (p *Paper) PDF(w io.Writer) error {
	pages := p.draw(0).PageNo() // a page says how many there are, so they are counted first
	if err := p.draw(pages).Output(w); err != nil {
		return fmt.Errorf("draw the PDF %q: %w", p.Title, err)
	}
	return nil
}

// sheet is a PDF on its way, and where on it the next line goes.
type sheet struct {
	*fpdf.Fpdf
	y       float64
	of      int  // pages in all
	strange bool // something was in another alphabet
}

func (p *Paper) draw(of int) *sheet {
	s := &sheet{Fpdf: fpdf.New("P", "mm", "A4", ""), of: of}
	s.AddUTF8FontFromBytes("go", "", goregular.TTF)
	s.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	s.SetAutoPageBreak(false, 0)
	s.SetCatalogSort(true)
	s.SetCreationDate(p.MadeAt.UTC())
	s.SetModificationDate(p.MadeAt.UTC())
	s.SetLang("en-GB")
	s.SetProducer("shortbreaks", false)
	s.SetTitle(p.Title, true)
	s.turn()
	s.paragraph(p.Title, "B", 17, 7.5)
	for _, section := range p.Sections {
		s.section(section)
	}
	if s.strange {
		s.paragraph("Words in another alphabet could not be printed here. The page has them all.", "", textPoints, lineHeight)
	}
	return s
}

// turn begins a page.
func (s *sheet) turn() {
	s.AddPage()
	s.y = paperEdge
	s.SetFont("go", "", 8)
	number := fmt.Sprintf("Page %d of %d", s.PageNo(), s.of)
	s.Text(paperEdge+paperWide-s.GetStringWidth(number), paperBottom+8, number)
}

// need begins a page if so much does not fit on this one.
func (s *sheet) need(height float64) {
	if s.y+height > paperBottom && s.y > paperEdge {
		s.turn()
	}
}

func (s *sheet) section(p PaperSection) {
	if p.Heading != "" {
		s.y += 3
		s.need(24) // a heading stands above something
		s.paragraph(p.Heading, "B", 12, 5.6)
	}
	for _, words := range p.Words {
		s.paragraph(words, "", textPoints, lineHeight)
	}
	if p.Table != nil {
		s.table(p.Table)
	}
}

func (s *sheet) paragraph(words, style string, points, height float64) {
	s.SetFont("go", style, points)
	for _, line := range s.wrapped(words, paperWide) {
		s.need(height)
		s.SetFont("go", style, points)
		s.Text(paperEdge, s.y+height*0.75, line)
		s.y += height
	}
	s.y += 1.5
}

func (s *sheet) table(t *PaperTable) {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	head := s.row(t, names, "B")
	head.header = true
	s.need(head.height() + 3*lineHeight)
	s.put(t, head, head)
	for _, cells := range t.Rows {
		s.put(t, s.row(t, cells, ""), head)
	}
	if t.Sum != nil {
		s.put(t, s.row(t, t.Sum, "B"), head)
	}
	s.y += 3
}

// row is a table's row, broken into lines.
type row struct {
	cells  [][]string
	style  string
	header bool
}

func (r row) lines() (most int) {
	for _, lines := range r.cells {
		most = max(most, len(lines))
	}
	return most
}

func (r row) height() float64 { return float64(r.lines())*lineHeight + 1.5 }

func (s *sheet) row(t *PaperTable, cells []string, style string) row {
	r := row{style: style}
	s.SetFont("go", style, textPoints)
	for i, cell := range cells {
		r.cells = append(r.cells, s.wrapped(cell, t.width(i)-cellGap))
	}
	return r
}

// width is a column's, with the gap after it.
func (t *PaperTable) width(column int) float64 {
	all := 0
	for _, c := range t.Columns {
		all += c.Share
	}
	return paperWide * float64(t.Columns[column].Share) / float64(all)
}

// put draws a row. One that does not fit goes to the next page, under the
// headings again; one longer than a page goes on there.
func (s *sheet) put(t *PaperTable, r, head row) {
	again := func() {
		s.turn()
		if !r.header {
			s.put(t, head, head)
		}
	}
	if s.y+r.height() > paperBottom && paperEdge+head.height()+r.height() <= paperBottom {
		again()
	}
	for from := 0; from < r.lines(); {
		fits := int((paperBottom - s.y) / lineHeight)
		if fits < 1 {
			again()
			continue
		}
		s.part(t, r, from, min(from+fits, r.lines()))
		from += fits
	}
	s.y += 1.5
	s.SetLineWidth(0.1)
	s.Line(paperEdge, s.y-0.4, paperEdge+paperWide, s.y-0.4)
}

// part draws some lines of a row, cell by cell: whoever copies or hears the
// text has each cell in one piece.
func (s *sheet) part(t *PaperTable, r row, from, to int) {
	left := paperEdge
	s.SetFont("go", r.style, textPoints)
	for i, lines := range r.cells {
		for n := from; n < min(to, len(lines)); n++ {
			x := left
			if t.Columns[i].Money {
				x += t.width(i) - cellGap - s.GetStringWidth(lines[n])
			}
			s.Text(x, s.y+lineHeight*(float64(n-from)+0.75), lines[n])
		}
		left += t.width(i)
	}
	s.y += lineHeight * float64(to-from)
}

// wrapped breaks words into lines; a word that is wider than a line is broken
// too.
func (s *sheet) wrapped(words string, width float64) (lines []string) {
	line := ""
	for _, word := range strings.Fields(s.drawable(words)) {
		joined := strings.TrimPrefix(line+" "+word, " ")
		if s.GetStringWidth(joined) <= width {
			line = joined
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		line = word
		for s.GetStringWidth(line) > width {
			fits := s.fitting(line, width)
			lines, line = append(lines, line[:fits]), line[fits:]
		}
	}
	return append(lines, line)
}

// fitting is how many bytes of a word fit, at least one letter.
func (s *sheet) fitting(word string, width float64) (n int) {
	for i := range word {
		if i > 0 && s.GetStringWidth(word[:i]) > width {
			break
		}
		n = i
	}
	if n == 0 {
		n = len(string([]rune(word)[:1]))
	}
	return n
}

// otherAlphabet stands for words the typeface cannot draw.
const otherAlphabet = "[another alphabet]"

// drawable replaces each run of words that the typeface has not.
func (s *sheet) drawable(words string) string {
	words = norm.NFC.String(words)
	if !strings.ContainsFunc(words, undrawable) {
		return words
	}
	s.strange = true
	var out []string
	for _, word := range strings.Fields(words) {
		if !strings.ContainsFunc(word, undrawable) {
			out = append(out, word)
		} else if len(out) == 0 || out[len(out)-1] != otherAlphabet {
			out = append(out, otherAlphabet)
		}
	}
	return strings.Join(out, " ")
}

var paperFont = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic(err) // it is part of the program
	}
	return f
})

func undrawable(r rune) bool {
	if r < 0x7F || unicode.IsSpace(r) {
		return false
	}
	n, err := paperFont().GlyphIndex(nil, r)
	return err != nil || n == 0
}
