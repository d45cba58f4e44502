package normal_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/normal"
)

// docs/identifiers.md is what clients are told.
func TestDocumentTellsTheTruth(t *testing.T) {
	text, err := os.ReadFile("../../docs/identifiers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, house, _ := strings.Cut(string(text), "Names of the house")
	_, house, _ = strings.Cut(house, ":\n")
	house, _, _ = strings.Cut(house, "and everything that begins")
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(house, -1)
	if len(names) < 50 {
		t.Fatalf("%d names", len(names))
	}
	for _, n := range names {
		if _, err := normal.NewUsername(n[1]); reason(t, err) != normal.Reserved {
			t.Errorf("%s: %v", n[1], err)
		}
	}
	// A refusal in the tables is one that the code gives.
	for _, r := range []normal.Reason{
		normal.Empty, normal.TooLong, normal.NoAt, normal.ManyAt, normal.NotNormalised, normal.Space, normal.Quote,
		normal.EncodedWord, normal.LocalPart, normal.Domain, normal.NotANumber, normal.NoCountry, normal.NotPossible,
		normal.NotAssigned, normal.NotTexted, normal.Country, normal.LooksLike, normal.Reserved,
	} {
		if !strings.Contains(string(text), "`"+string(r)+"`") {
			t.Errorf("the document does not have %q", r)
		}
	}
	// Rows of a text and the key it has.
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(string(text), -1) {
		id, err := normal.ParseIdentityName(row[1])
		if name, ok := id.Name(); err != nil || !ok || name != row[2] {
			t.Errorf("%s is %q, not %q", row[1], name, row[2])
		}
	}
	for _, row := range [][2]string{{"+44 (0) 7911-123456", "+447911123456"}, {"a.da+news@gmail.com", "a.da+news@gmail.com"}} {
		if !strings.Contains(string(text), "`"+row[0]+"`") || !strings.Contains(string(text), "`"+row[1]+"`") {
			t.Errorf("the document does not have %q", row)
		}
	}
}
