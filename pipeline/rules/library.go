package rules

import (
	"embed"
	"fmt"
)

//go:embed library/*.yaml examples/*.yaml
var libraryFiles embed.FS

// LibraryFile is one document of the library.
type LibraryFile struct {
	Name      string // file name, such as coffee-week.yaml
	Doc       []byte
	Mechanics []string // M1 to M22 of the table in README.md that the document is an example of
}

// Library returns the campaigns of the demo: twenty documents over its range that run together as they are and can be copied. They are sorted by
// name, parse without errors and pass their own tests.
func Library() []LibraryFile { return shippedFiles("library") }

// Examples returns further campaigns to copy, one for each thing the language can say. What holds for Library holds for them.
func Examples() []LibraryFile { return shippedFiles("examples") }

func shippedFiles(dir string) []LibraryFile {
	entries, err := libraryFiles.ReadDir(dir)
	if err != nil {
		panic(fmt.Sprintf("rules: embedded library: %v", err)) // cannot happen: the files are part of the program
	}
	out := make([]LibraryFile, 0, len(entries))
	for _, e := range entries {
		doc, err := libraryFiles.ReadFile(dir + "/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("rules: embedded library: %v", err))
		}
		out = append(out, LibraryFile{Name: e.Name(), Doc: doc, Mechanics: mechanicsOf(e.Name())})
	}
	return out
}
