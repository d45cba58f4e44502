package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// given is what an original deployment has: institutions and research fields.
var given = filepath.Join("testdata", "groups.json")

const maps = `{"working_groups":[{"name":"Maps","institution":"Test University","city":"Mannheim","country":"Germany",
	"field":"Natural Sciences","subfield":"Mathematics","nEmployees":7}]}`

// Given a file that is one object, when it is imported, then what it names is
// there; a dry run writes nothing, and a second run changes nothing.
func TestImportOfAWholeFile(t *testing.T) {
	environ := made(t)
	groups := func(args ...string) (sum wholeSummary) {
		t.Helper()
		text := done(t, usher(t, environ, append([]string{"import", "groups", "--json"}, args...)...))
		if err := json.Unmarshal([]byte(text), &sum); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return sum
	}
	for _, step := range []struct {
		args []string
		want wholeSummary
	}{
		{[]string{given, "--dry-run"}, wholeSummary{true, 5, 0, map[string]wholeCounted{"institutions": {2, 0}, "research_fields": {3, 0}}}},
		{[]string{given}, wholeSummary{false, 5, 0, map[string]wholeCounted{"institutions": {2, 0}, "research_fields": {3, 0}}}},
		{[]string{given}, wholeSummary{false, 0, 5, map[string]wholeCounted{"institutions": {0, 2}, "research_fields": {0, 3}}}},
		{[]string{fileOf(t, "maps", byteOrderMark+maps)}, wholeSummary{false, 1, 0, map[string]wholeCounted{"working_groups": {1, 0}}}},
		{[]string{fileOf(t, "maps", maps)}, wholeSummary{false, 0, 1, map[string]wholeCounted{"working_groups": {0, 1}}}},
	} {
		if got := groups(step.args...); fmt.Sprint(got) != fmt.Sprint(step.want) {
			t.Errorf("%v: %+v", step.args, got)
		}
	}
	for args, says := range map[string]string{
		given:                "nothing to do: all of it is there\n  institutions     0 created, 2 unchanged\n",
		given + " --dry-run": "a dry run: nothing was written\n",
	} {
		if got := done(t, usher(t, environ, append([]string{"import", "groups"}, strings.Fields(args)...)...)); !strings.Contains(got, says) {
			t.Errorf("%s: %s", args, got)
		}
	}
	if got := done(t, usher(t, environ, "group", "list")); strings.Count(got, "institution") != 2 || !strings.Contains(got, "Maps") {
		t.Error(got)
	}
}

// What cannot go in is named, and then nothing of the file goes in.
func TestImportOfAWholeFileRefuses(t *testing.T) {
	environ := made(t)
	done(t, usher(t, environ, "import", "groups", given))
	for text, one := range map[string]struct {
		code int
		says []string
	}{
		`{"instituions":[]}`: {exitUsage, []string{`unknown member "instituions". Did you mean institutions?`}},
		`{"institutions":[{"name":"A","citty":"B"},{"Name":"A"}],"research_fields":[{"feild":"A"},null,7]}`: {exitUsage, []string{
			`institution 1: unknown member "citty". Did you mean city?`, `institution 2: unknown member "Name". Did you mean name?`,
			`research field 1: unknown member "feild". Did you mean field?`, "research field 2: null", "research field 3: wrong type",
		}},
		`{"institutions":{}}`:                                {exitUsage, []string{"institutions: wrong type"}},
		`{"institutions":[{"name":7}]}`:                      {exitUsage, []string{"institution 1: name: wrong type"}},
		`{"institutions":[],"institutions":[]}`:              {exitUsage, []string{"duplicate name"}},
		`{"institutions":[`:                                  {exitUsage, []string{"line 1"}},
		`{"working_groups":[{"name":"A","nEmployees":1.5}]}`: {exitUsage, []string{"working group 1: nEmployees: wrong type"}},
		`{"institutions":[{"name":"New","city":"B","country":"C"},{"name":"A","country":"C"},{"name":"Test University","city":"Mannheim","state":"Hesse","country":"Germany"}]}`: {exitRefused, []string{
			"nothing was written", "institution 2: city is missing", "institution 3: it is there with another state",
		}},
		`{"research_fields":[{"field":"a\u0000","subfield":"b"},{"field":"` + strings.Repeat("a", 256) + `","subfield":"b"}]}`: {exitRefused, []string{
			"research field 1: field has control characters", "research field 2: field has 256 characters, at most 255",
		}},
		strings.Replace(maps, "Mathematics", "Alchemy", 1):       {exitRefused, []string{"working group 1: there is no such field"}},
		strings.Replace(maps, "Mannheim", "Berlin", 1):           {exitRefused, []string{"working group 1: there is no such institution"}},
		strings.Replace(maps, "7", "-7", 1):                      {exitRefused, []string{"working group 1: nEmployees is less than 0"}},
		`{"institutions":[` + strings.Repeat(`{},`, 30) + `{}]}`: {exitRefused, []string{"institution 20: name is missing", "and 11 more"}},
	} {
		t.Run(text[:min(len(text), 40)], func(t *testing.T) {
			refused(t, usher(t, environ, "import", "groups", fileOf(t, "x", text)), one.code, one.says...)
		})
	}
	refused(t, usher(t, environ, "import", "groups", given, "--resume"), exitUsage, "neither --results nor --resume")
	if got := done(t, usher(t, environ, "group", "list")); strings.Contains(got, "New") {
		t.Error("a part of a file went in")
	}
}

// Lines, each a group, are still that, whatever the file is called.
func TestWhichFilesAreWhole(t *testing.T) {
	for _, one := range []struct {
		name, text string
		want       bool
	}{
		{"x.ndjson", `{"name":"Vetted"}`, false},
		{"x.json", `{"name":"Vetted"}`, false},
		{"x.json", `{"kind":"a","name":"b"}` + "\n" + `{"name":"c"}`, false},
		{"x.ndjson", `{"institutions":[]}`, true},
		{"x", "\n {\n \"working_groups\": []}", true},
		{"x", `{"research_feilds":[]}`, true},
		{"x", `{"naem":"a"}`, false},
		{"x.json", `{"version":1}`, true},
		{"x.JSON", `{}`, false},
		{"x", `["institutions"]`, false},
		{"x", `institutions`, false},
		{"x", "", false},
	} {
		if got := isWhole(fileOf(t, one.name, one.text)); got != one.want {
			t.Errorf("%s %s: %t", one.name, one.text, got)
		}
	}
	for _, path := range []string{standard, t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if isWhole(path) {
			t.Errorf("%s is taken for one object", path)
		}
	}
	environ := made(t)
	lines := fileOf(t, "g.json", `{"name":"Physics"}`+"\n"+`{"name":"GIScience","kind":"working_group"}`+"\n")
	got := usher(t, environ, "import", "groups", lines)
	if got.code != exitRefused || !strings.Contains(got.out, "created    1") || !strings.Contains(got.out, "line 2: kind working_group is imported from a file that is one object") {
		t.Errorf("%+v", got)
	}
}
