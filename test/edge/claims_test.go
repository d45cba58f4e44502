package edge

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// sources calls fn for each Go file of the program and its tests.
func sources(t *testing.T, fn func(path, text string)) {
	t.Helper()
	for _, folder := range []string{"cmd", "internal", "test"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil {
				fn(path, string(text))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Every test that docs/security.md names exists, and every rule names one.
func TestWhatIsClaimedIsTested(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	sources(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(text, -1) {
				tests[m[1]] = true
			}
		}
	})
	doc, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	named, rules := regexp.MustCompile("`(Test\\w+)`"), 0
	for line := range strings.SplitSeq(string(doc), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasSuffix(line, "| shown by |") {
			continue
		}
		rules++
		found := named.FindAllStringSubmatch(line, -1)
		if len(found) == 0 {
			t.Errorf("no test: %s", line)
		}
		for _, m := range found {
			if !tests[m[1]] {
				t.Errorf("%s does not exist", m[1])
			}
		}
	}
	if rules < 14 {
		t.Errorf("%d rules", rules)
	}
}

// H5. Nothing of usher hands a request on to another server, so that no header
// can be lost on the way.
func TestNothingIsForwarded(t *testing.T) {
	sources(t, func(path, text string) {
		f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			if i.Path.Value == `"net/http/httputil"` && !strings.HasSuffix(path, "_test.go") {
				t.Errorf("%s imports %s", path, i.Path.Value)
			}
		}
	})
}
