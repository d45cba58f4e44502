package normal_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/normal"
)

// rows reads a table of testdata: lines of fields between tabs, # before a
// remark. Fields in double quotes are JSON.
func rows(t *testing.T, fields int, path ...string) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) != fields {
			t.Fatalf("%d fields in %q", len(row), line)
		}
		for i, f := range row {
			if strings.HasPrefix(f, `"`) {
				if err := json.Unmarshal([]byte(f), &row[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		out = append(out, row)
	}
	return out
}

// What a careful validator of another house takes and usher does not, and why.
// There is no list of the opposite: nothing is taken that it refuses.
var stricterEmails = map[string]normal.Reason{
	// Before a lax reader of headers, =? begins a text in another encoding.
	"!#$%&`*+/=?^`{|}~@iana.org":      normal.EncodedWord,
	"!#$%&'*+-/=?^_`{|}~@example.org": normal.EncodedWord,
	"=?utf-8?q?ada?=@example.org":     normal.EncodedWord,
	"=?utf-8?b?YWRh?=@example.org":    normal.EncodedWord,
	// What has to be mapped before it is checked is refused instead.
	"ada@ｅｘａｍｐｌｅ.org":       normal.NotNormalised,
	"ada@example．org":       normal.NotNormalised,
	"ada@example｡org":       normal.NotNormalised,
	"ada@\u212aelvin.org":   normal.NotNormalised,
	"ada@a\u0301.com":       normal.NotNormalised,
	"ada@e\u0301xample.org": normal.NotNormalised,
	"ada@example。org":       normal.Domain,
	// The root zone has no such name.
	"test@iana.co-uk":  normal.Domain,
	"ada@example.1co":  normal.Domain,
	"ada@example.0x7f": normal.Domain,
}

func TestEmailCasesAgainstAnotherValidator(t *testing.T) {
	taken := 0
	for _, row := range rows(t, 4, "email", "cases.tsv") {
		id, address, diagnosis, theirs := row[0], row[1], row[2], row[3]
		e, err := normal.ParseEmail(address)
		if err == nil {
			taken++
		}
		local, domain, _ := strings.Cut(theirs, "@")
		want := strings.ToLower(local) + "@" + domain
		switch why, stricter := stricterEmails[address]; {
		case stricter:
			if reason(t, err) != why {
				t.Errorf("%s: %q is refused with %v, want %q", id, address, err, why)
			}
		case theirs == "-" && err == nil:
			t.Errorf("%s: %q is taken as %q; elsewhere it is refused (%s)", id, address, e.Key(), diagnosis)
		case theirs != "-" && err != nil:
			t.Errorf("%s: %q is refused: %v; elsewhere it is %q (%s)", id, address, err, theirs, diagnosis)
		case err == nil && e.Key() != want:
			t.Errorf("%s: %q is %q, elsewhere %q", id, address, e.Key(), want)
		}
	}
	if taken < 50 {
		t.Errorf("%d addresses were taken", taken)
	}
}

// The oracle is libphonenumber in another language and of another month; the
// numbers whose plan changed in between are named.
var movedNumbers = map[string]bool{"+252711234568": true, "+26320201234": true, "+26371234567": true}

func TestPhonesAgainstLibphonenumber(t *testing.T) {
	// Countries of the example numbers, so that the list never says no.
	everywhere := map[string]bool{}
	table := rows(t, 6, "phone", "libphonenumber.tsv")
	for _, row := range table {
		everywhere[row[5]] = true
	}
	countries := slices.Collect(maps.Keys(everywhere))
	taken := 0
	for _, row := range table {
		given, in, e164, validity, kind, region := row[0], row[1], row[2], row[3], row[4], row[5]
		if movedNumbers[given] {
			continue
		}
		p, err := normal.ParsePhone(given, in)
		// Some national plans are longer than a number of the world may be.
		if e164 == "-" || len(e164) > len("+")+15 {
			if err == nil {
				t.Errorf("%q in %q is taken as %s", given, in, p)
			}
			continue
		}
		taken++
		if err != nil || p.Key() != e164 {
			t.Errorf("%q in %q is %q (%v), elsewhere %s", given, in, p, err, e164)
			continue
		}
		if p.IsValid() != (validity == "valid") || region != "-" && p.Region() != region {
			t.Errorf("%q is %v in %s, elsewhere %s in %s", given, p.IsValid(), p.Region(), validity, region)
		}
		texts := kind == "MOBILE" || kind == "FIXED_LINE_OR_MOBILE"
		if p.TakesText() != texts || (p.Textable(countries) == nil) != texts {
			t.Errorf("%q, elsewhere %s, takes texts: %v, %v", given, kind, p.TakesText(), p.Textable(countries))
		}
	}
	if taken < 1000 {
		t.Errorf("%d numbers were taken", taken)
	}
}
