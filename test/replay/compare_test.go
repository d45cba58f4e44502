package replay

import (
	"testing"
)

// value reads JSON as an answer's body is read; "absent" is no value at all.
func value(t *testing.T, text string) answer {
	t.Helper()
	if text == "absent" {
		return answer{}
	}
	d := parse(text)
	if !d.there {
		t.Fatalf("%s is not JSON", text)
	}
	return answer(d)
}

func TestTemplates(t *testing.T) {
	vars := Vars{"id": "42", "name": "ada"}
	for _, test := range []struct {
		name     string
		template string
		holds    []string
		differs  []string
	}{
		{"scalars by value", `"a"`, []string{`"a"`}, []string{`"b"`, `null`, `1`, `absent`, `["a"]`}},
		{"null", `null`, []string{`null`}, []string{`""`, `0`, `false`, `absent`}},
		{"numbers however written", `1`, []string{`1`, `1.0`, `1e0`}, []string{`2`, `"1"`, `true`}},
		{"numbers beyond 53 bits", `755243458806280480`, []string{`755243458806280480`}, []string{`755243458806280481`}},
		{"booleans", `true`, []string{`true`}, []string{`false`, `1`, `"true"`}},
		{"objects may have more", `{"a": 1}`, []string{`{"a": 1}`, `{"a": 1, "b": 2}`}, []string{`{}`, `{"a": 2}`, `[1]`, `null`}},
		{"exact objects may not", `{"a": 1, "<<exact>>": true}`, []string{`{"a": 1}`}, []string{`{"a": 1, "b": 2}`, `{}`}},
		{"exactness is not inherited", `{"a": {"b": 1}, "<<exact>>": true}`, []string{`{"a": {"b": 1, "c": 2}}`}, []string{`{"a": {"c": 2}}`}},
		{"lists element by element", `[1, "<<any>>"]`, []string{`[1, 2]`, `[1, null]`}, []string{`[1]`, `[2, 1]`, `[1, 2, 3]`, `{}`}},
		{"contains, in any order", `{"<<contains>>": [{"f": 1}, 2]}`, []string{`[2, {"f": 1, "g": 1}]`, `[3, 2, {"f": 1}]`}, []string{`[2]`, `[]`, `{"f": 1}`}},
		{"any", `"<<any>>"`, []string{`1`, `null`, `{}`}, []string{`absent`}},
		{"absent", `"<<absent>>"`, []string{`absent`}, []string{`null`, `1`}},
		{"absent member", `{"a": "<<absent>>"}`, []string{`{}`, `{"b": 1}`}, []string{`{"a": null}`}},
		{"string", `"<<string>>"`, []string{`""`, `"a"`}, []string{`1`, `null`, `absent`}},
		{"nonempty", `"<<nonempty>>"`, []string{`"a"`, `[0]`, `{"a": 1}`, `1`, `true`}, []string{`""`, `[]`, `{}`, `null`, `0`, `false`, `absent`}},
		{"number", `"<<number>>"`, []string{`0`, `1.5`, `12345678901234567890`}, []string{`"1"`, `true`, `null`, `absent`}},
		{"bool", `"<<bool>>"`, []string{`true`, `false`}, []string{`1`, `"true"`, `absent`}},
		{"datetime", `"<<datetime>>"`, []string{`"2023-06-24T18:51:06.528Z"`, `"2026-11-22 04:22:46"`, `"2026-11-22T04:22:46+01:00"`}, []string{`"2023-06-24"`, `"now"`, `1`}},
		{"jwt", `"<<jwt>>"`, []string{`"a.b.c"`, `"a.b."`}, []string{`"a.b"`, `"a b.c.d"`}},
		{"uuid", `"<<uuid>>"`, []string{`"018f3c3e-7b1a-7000-8000-0123456789AB"`}, []string{`"018f3c3e7b1a700080000123456789ab"`}},
		{"hex32", `"<<hex32>>"`, []string{`"0123456789abcdef0123456789abcdef"`}, []string{`"0123456789ABCDEF0123456789ABCDEF"`, `"01"`}},
		{"regex looks anywhere", `"<<regex:b+>>"`, []string{`"abbc"`}, []string{`"ac"`, `1`, `absent`}},
		{"regex with a colon", `"<<regex:^https?://>>"`, []string{`"http://a"`}, []string{`"ftp://a"`}},
		{"a regex that is none", `"<<regex:(>>"`, nil, []string{`"("`}},
		{"ref", `"<<ref:id>>"`, []string{`"42"`, `42`}, []string{`"43"`, `absent`}},
		{"not", `"<<not:id>>"`, []string{`"43"`, `null`}, []string{`"42"`, `42`, `absent`}},
		{"a reference to nothing never holds", `"<<not:nobody>>"`, nil, []string{`"x"`}},
		{"an unknown matcher never holds", `"<<sometimes>>"`, nil, []string{`"<<sometimes>>"`, `absent`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := value(t, test.template).value
			for _, got := range test.holds {
				if diffs := vars.compare(want, value(t, got), "$"); len(diffs) > 0 {
					t.Errorf("%s should hold: %v", got, diffs)
				}
			}
			for _, got := range test.differs {
				if diffs := vars.compare(want, value(t, got), "$"); len(diffs) == 0 {
					t.Errorf("%s should differ", got)
				}
			}
		})
	}
}

func TestFillAndDig(t *testing.T) {
	vars := Vars{"id": `4"2`, "name": "ada"}
	text, err := vars.json([]byte(`{"{{name}}": ["{{id}}", 1.50, null]}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"ada":["4\"2",1.50,null]}`; string(text) != want {
		t.Errorf("filled: %s, wanted %s", text, want)
	}
	if _, err := vars.text("{{nobody}}"); err == nil {
		t.Error("a name that was not captured should be an error")
	}
	doc := value(t, `{"a": {"b": [1, {"c": "x"}]}, "n": null}`).value
	for path, want := range map[string]string{"$.a.b[1].c": "x", "$.a.b[-1].c": "x", "$.a.b[0]": "1", "$.n": "null"} {
		if got, ok := dig(doc, path); !ok || spell(got) != want {
			t.Errorf("%s: %v %v, wanted %s", path, got, ok, want)
		}
	}
	for _, path := range []string{"$.x", "$.a.b[2]", "$.a.b[-3]", "$.a[0]", "$.n.x"} {
		if got, ok := dig(doc, path); ok {
			t.Errorf("%s leads to %v, and should lead nowhere", path, got)
		}
	}
}
