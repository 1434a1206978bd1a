// Package programmes holds whole loyalty programmes, shipped and ready to copy: campaign documents with their examples, and the shops, products and
// members of a demo stream that fits them. A folder of the same form on disk is read by the same functions.
//
// The package is pure: it reads the file system it is handed, and runs examples by package rules.
package programmes

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cagnotte/pipeline/rules"
)

//go:embed shipped
var shipped embed.FS

// Programme is one folder: programme.yaml, campaigns/*.yaml, and gifts.csv where points are spent on gifts.
type Programme struct {
	Name      string
	About     About
	Campaigns []*rules.Campaign
	Documents []rules.LibraryFile // of the campaigns, in the same order
	Gifts     []Gift
	Files     []File // all of it, as it is copied
}

// File is one file of a programme.
type File struct {
	Path string // campaigns/punch-card.yaml
	Data []byte
}

// Names lists the shipped programmes.
func Names() []string {
	entries, err := shipped.ReadDir("shipped")
	if err != nil {
		panic(fmt.Sprintf("programmes: embedded files: %v", err)) // cannot happen: they are part of the program
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// ErrUnknown: there is no shipped programme of the name.
var ErrUnknown = errors.New("no such programme")

// Load reads a shipped programme.
func Load(name string) (*Programme, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, strings.Join(Names(), ", "))
	}
	dir, err := fs.Sub(shipped, path.Join("shipped", name))
	if err != nil {
		return nil, fmt.Errorf("programme %s: %w", name, err)
	}
	return Read(name, dir)
}

// maxFile bounds what is read of one file.
const maxFile = 1 << 20

// Read reads a folder. Documents that cannot be read are an error that tells all that is wrong with them.
func Read(name string, dir fs.FS) (*Programme, error) {
	p := &Programme{Name: name}
	if err := p.readFiles(dir); err != nil {
		return nil, fmt.Errorf("programme %s: %w", name, err)
	}
	if err := p.parse(); err != nil {
		return nil, fmt.Errorf("programme %s: %w", name, err)
	}
	return p, nil
}

func (p *Programme) readFiles(dir fs.FS) error {
	documents, err := fs.Glob(dir, "campaigns/*.yaml")
	if err != nil {
		return err
	}
	paths := append([]string{"programme.yaml"}, documents...)
	if _, err := fs.Stat(dir, giftsFile); err == nil {
		paths = append(paths, giftsFile)
	}
	for _, name := range paths {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		if len(data) > maxFile {
			return fmt.Errorf("%s has %d bytes; want at most %d", name, len(data), maxFile)
		}
		p.Files = append(p.Files, File{name, data})
	}
	return nil
}

func (p *Programme) parse() error {
	var wrong []error
	for _, f := range p.Files {
		var err error
		switch {
		case f.Path == "programme.yaml":
			p.About, err = parseAbout(f.Data)
		case f.Path == giftsFile:
			p.Gifts, err = parseGifts(f.Data)
		default:
			err = p.parseCampaign(f)
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(p.Campaigns) == 0 && len(wrong) == 0 {
		wrong = append(wrong, errors.New("no campaigns/*.yaml"))
	}
	return errors.Join(wrong...)
}

// parseCampaign holds a document against the grammar and the law.
func (p *Programme) parseCampaign(f File) error {
	c, findings := rules.Lint(rules.DefaultGuardrails(), f.Path, f.Data)
	if c == nil {
		var wrong []error
		for _, d := range findings {
			if d.Severity == rules.Error {
				wrong = append(wrong, errors.New(d.String()))
			}
		}
		return errors.Join(wrong...)
	}
	p.Campaigns = append(p.Campaigns, c)
	p.Documents = append(p.Documents, rules.LibraryFile{Name: path.Base(f.Path), Doc: f.Data})
	return nil
}
