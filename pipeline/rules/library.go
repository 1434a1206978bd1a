package rules

import (
	"embed"
	"fmt"
)

//go:embed library/*.yaml
var libraryFiles embed.FS

// LibraryFile is one document of the library.
type LibraryFile struct {
	Name string // file name, such as coffee-week.yaml
	Doc  []byte
}

// Library returns the shipped campaigns: twenty documents over the demo range that run as they are and can be copied. They are sorted by name,
// parse without errors and pass their own tests.
func Library() []LibraryFile {
	entries, err := libraryFiles.ReadDir("library")
	if err != nil {
		panic(fmt.Sprintf("rules: embedded library: %v", err)) // cannot happen: the files are part of the program
	}
	out := make([]LibraryFile, 0, len(entries))
	for _, e := range entries {
		doc, err := libraryFiles.ReadFile("library/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("rules: embedded library: %v", err))
		}
		out = append(out, LibraryFile{Name: e.Name(), Doc: doc})
	}
	return out
}
