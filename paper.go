package shortbreaks

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

// Paper is a document for people: a quote, what a plan costs. What it says is
// written once; HTML and PDF only draw it, so that their words never differ.
type Paper struct {
	Title    string // of the document and its file's metadata; never a name of a person
	File     string // a neutral name without ending: "quote"
	MadeAt   time.Time
	Sections []PaperSection
}

// PaperSection is a heading, paragraphs and a table; each may be missing.
type PaperSection struct {
	Heading string
	Words   []string
	Table   *PaperTable
}

// PaperTable is a table whose first column names its rows.
type PaperTable struct {
	Columns []PaperColumn
	Rows    [][]string // each as long as Columns
	Sum     []string   // the last row, set off; nil: none
}

// PaperColumn is one column.
type PaperColumn struct {
	Name  string
	Share int  // of the paper's width, beside the others
	Money bool // figures stand under each other
}

//go:embed paper.html
var paperHTML string

var paperPage = template.Must(template.New("paper").Parse(paperHTML))

// HTML draws the paper as a page that prints. It loads nothing and runs
// nothing.
func (p *Paper) HTML(w io.Writer) error {
	if err := paperPage.Execute(w, p); err != nil {
		return fmt.Errorf("draw the page %q: %w", p.Title, err)
	}
	return nil
}
