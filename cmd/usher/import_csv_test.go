package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func recordsOf(t *testing.T, text string) (got []string, err error) {
	t.Helper()
	c, err := newRecords(strings.NewReader(text), newReading(""))
	if err != nil {
		return nil, err
	}
	for {
		it, err := c.next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		said := it.problem
		if said == "" {
			b, err := json.Marshal(it.members)
			if err != nil {
				t.Fatal(err)
			}
			said = string(b)
		}
		got = append(got, fmt.Sprintf("%d %s", it.line, said))
	}
}

func TestRecordsOfCSV(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"texts":                  {"email,username\na@b.c,ada\n", []string{`2 {"email":"a@b.c","username":"ada"}`}},
		"no end of line":         {"email\na@b.c", []string{`2 {"email":"a@b.c"}`}},
		"line ends of Windows":   {"email,id\r\na@b.c,7\r\n\r\nd@e.f,8\r\n", []string{`2 {"email":"a@b.c","id":"7"}`, `4 {"email":"d@e.f","id":"8"}`}},
		"a byte order mark":      {"\xef\xbb\xbfemail\na@b.c\n", []string{`2 {"email":"a@b.c"}`}},
		"quotes":                 {"firstName,lastName\n\"A \"\"B\"\" C\",\"x,\ny\"\nq,r\n", []string{`2 {"firstName":"A \"B\" C","lastName":"x,\ny"}`, `4 {"firstName":"q","lastName":"r"}`}},
		"an empty cell":          {"email,username\na@b.c,\n", []string{`2 {"email":"a@b.c"}`}},
		"flags":                  {"emailVerified,isActive\nTRUE,false\nyes,1\n", []string{`2 {"emailVerified":true,"isActive":false}`, `3 {"emailVerified":"yes","isActive":"1"}`}},
		"lists":                  {"roles\nreader; writer\nreader\n\"[\"\"a;b\"\"]\"\n", []string{`2 {"roles":["reader","writer"]}`, `3 {"roles":["reader"]}`, `4 {"roles":["a;b"]}`}},
		"identities":             {"identities\n\"[{\"\"issuer\"\":\"\"https://orcid.org\"\",\"\"subject\"\":\"\"x\"\"}]\"\n", []string{`2 {"identities":[{"issuer":"https://orcid.org","subject":"x"}]}`}},
		"JSON that is none":      {"roles\n[a\n\"[{\"\"a\"\":1,\"\"a\"\":2}]\"\n", []string{`2 Invalid JSON in roles: `, `3 Invalid JSON in roles: `}},
		"too few cells, or many": {"email,username\na\na,b,c\nd,e\n", []string{`2 Invalid CSV: wrong number of fields`, `3 Invalid CSV: wrong number of fields`, `4 {"email":"d","username":"e"}`}},
		"a stray quote":          {"email,username\na\"b,c\nd,e\n", []string{`2 Invalid CSV: bare " in non-quoted-field`, `3 {"email":"d","username":"e"}`}},
		"another encoding":       {"lastName\nM\xfcller\nMeier\n", []string{`2 Invalid CSV: lastName is not in UTF-8`, `3 {"lastName":"Meier"}`}},
		"nothing but a head":     {"email\n", nil},
	} {
		got, err := recordsOf(t, c.text)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
			continue
		}
		for i := range got {
			if !strings.HasPrefix(got[i], c.want[i]) {
				t.Errorf("%s: %s, want %s", name, got[i], c.want[i])
			}
		}
	}
}

func TestHeadsOfCSVThatAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"":                    "the file is empty",
		"emial\nx\n":          `unknown column "emial". Did you mean email? Columns are id, _guid,`,
		"Email\nx\n":          "Did you mean email?",
		"email,\nx,\n":        `unknown column "". Columns are`,
		"email,email\nx,y\n":  "the column email is there twice",
		"\xff\xfee\x00m\x00":  "UTF-16",
		"email,\"user\nx,y\n": "the line that names the columns",
	} {
		_, err := recordsOf(t, text)
		if _, usage := errors.AsType[usageError](err); !usage || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A quote that nobody closes takes in what follows, but not without end.
func TestARecordHasALength(t *testing.T) {
	got, err := recordsOf(t, "email,username\na@b.c,ada\n\"open,x\n"+strings.Repeat("b@b.c,bob\n", 100_000))
	if !errors.Is(err, errLongRecord) || len(got) != 1 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// What is read of CSV and of JSON is summed up to the end of each line, however
// it comes in.
func TestSumsSayWhatWasRead(t *testing.T) {
	texts := map[string]string{
		"csv":  "\xef\xbb\xbfemail,lastName\r\na@b.c,\"x\ny\"\r\n\r\nbad\r\nd@e.f,z",
		"json": "\xef\xbb\xbf{\"a\":1}\r\n\n" + strings.Repeat("x", 100_000) + "\n{\"b\":2}",
	}
	for name, text := range texts {
		begin := func(text string, r *reading) (items, error) { return newJSONLines(strings.NewReader(text), r), nil }
		if name == "csv" {
			begin = func(text string, r *reading) (items, error) { return newRecords(strings.NewReader(text), r) }
		}
		in, err := begin(text, newReading("seed"))
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			it, err := in.next()
			if errors.Is(err, io.EOF) {
				if n != 3 {
					t.Errorf("%s: %d lines", name, n)
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			want := newReading("seed")
			want.pass([]byte(text[:it.end]))
			if it.sum != want.sum() {
				t.Errorf("%s: line %d, up to byte %d: the sum is of something else", name, it.line, it.end)
			}
		}
	}
}
