package jsonx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		name, in         string
		strict, tolerant Kind // 0: accepted
	}{
		{"object", ` {"a": [1, -0.5e+3, true, null, "x\u00e9\n"]} `, 0, 0},
		{"scalar", `"a"`, 0, 0},
		{"surrogate pair", `"\ud83d\ude00"`, 0, 0},
		{"byte order mark", "\xef\xbb\xbf{}", Malformed, 0},
		{"byte order mark inside", "[\xef\xbb\xbf]", Malformed, Malformed},
		{"NaN", `[NaN, Infinity, -Infinity]`, Malformed, 0},
		{"duplicate", `{"a":1,"a":2}`, Duplicate, 0},
		{"duplicate by escape", `{"a":1,"\u0061":2}`, Duplicate, 0},
		{"duplicate by case", `{"email":1,"EMAIL":2}`, Duplicate, 0},
		{"duplicate by Kelvin sign", "{\"key\":1,\"\u212aey\":2}", Duplicate, 0},
		{"duplicate by long s", "{\"users\":1,\"u\u017fers\":2}", Duplicate, 0},
		{"duplicate deeper", `[{"x":{"a":1,"b":2,"a":3}}]`, Duplicate, 0},
		{"same name in two objects", `[{"a":1},{"a":2}]`, 0, 0},
		{"empty", ` `, Empty, Empty},
		{"two values", `{} {}`, Trailing, Trailing},
		{"trailing bracket", `{}}`, Trailing, Trailing},
		{"broken UTF-8", "\"\xff\"", NotUTF8, NotUTF8},
		{"overlong UTF-8", "\"\xc0\xaf\"", NotUTF8, NotUTF8},
		{"encoded surrogate", "\"\xed\xa0\x80\"", NotUTF8, NotUTF8},
		{"lone high surrogate", `"\ud800"`, NotUTF8, NotUTF8},
		{"lone low surrogate", `"\udc00x"`, NotUTF8, NotUTF8},
		{"high surrogate twice", `"\ud800\ud800"`, NotUTF8, NotUTF8},
		{"cut off", `{"a":`, Malformed, Malformed},
		{"cut off text", `"a`, Malformed, Malformed},
		{"cut off escape", `"\`, Malformed, Malformed},
		{"cut off hex", `"\u12`, Malformed, Malformed},
		{"NUL escape", "\"\\\x00\"", Malformed, Malformed},
		{"control character", "\"\n\"", Malformed, Malformed},
		{"leading zero", `01`, Malformed, Malformed},
		{"bare dot", `1.`, Malformed, Malformed},
		{"plus", `+1`, Malformed, Malformed},
		{"trailing comma", `[1,]`, Malformed, Malformed},
		{"single quotes", `{'a':1}`, Malformed, Malformed},
		{"comment", `{}//`, Trailing, Trailing},
		{"deep enough", strings.Repeat("[", 32) + strings.Repeat("]", 32), 0, 0},
		{"too deep", strings.Repeat("[", 33) + strings.Repeat("]", 33), TooDeep, TooDeep},
		{"endless", strings.Repeat("[", 60_000), TooDeep, TooDeep},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, o := range []struct {
				options Options
				want    Kind
			}{{Options{}, tc.strict}, {Tolerant(), tc.tolerant}} {
				err := Check([]byte(tc.in), o.options)
				var e *Error
				if errors.As(err, &e) != (o.want != 0) || (e != nil && e.Kind != o.want) {
					t.Errorf("%+v: got %v, want kind %d", o.options, err, o.want)
				}
			}
		})
	}
}

func TestManyNamesStayCheap(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"n0":0`)
	for i := range 20_000 {
		fmt.Fprintf(&b, `,"n%d":0`, i+1)
	}
	if err := Check([]byte(b.String()+"}"), Options{}); err != nil {
		t.Fatal(err)
	}
	err := Check([]byte(b.String()+`,"N19999":0}`), Options{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != Duplicate {
		t.Fatalf("got %v", err)
	}
}

func TestErrorSaysWhere(t *testing.T) {
	err := Check([]byte("{\n  \"é\": x}"), Options{})
	if got, want := err.Error(), `line 2, column 8: 'x' where a value should stand`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type person struct {
	Email string   `json:"email"`
	Age   *float64 `json:"age"`
}

func TestDecode(t *testing.T) {
	t.Run("the last name wins, NaN is null, the mark is dropped", func(t *testing.T) {
		var p person
		if err := Decode([]byte("\xef\xbb\xbf{\"email\":\"a\",\"age\":NaN,\"email\":\"b\"}"), &p, Tolerant()); err != nil {
			t.Fatal(err)
		}
		if p.Email != "b" || p.Age != nil {
			t.Errorf("%+v", p)
		}
	})
	t.Run("nothing of an earlier member is left", func(t *testing.T) {
		for in, want := range map[string]string{
			`{"a":{"x":1},"a":{"y":2}}`:                    `{"a":{"y":2}}`,
			`{"a":"text","a":null}`:                        `{"a":null}`,
			`{"a":1, "b":{"c":NaN}, "a" : 2, "b":{"d":1}}`: `{"a":2,"b":{"d":1}}`,
			`{"a":1,"\u0061":2,"a":3}`:                     `{"a":3}`,
			`{"a":{"a":1,"a":2},"b":0,"a":{"a":3,"a":4}}`:  `{"a":{"a":4},"b":0}`,
			`[{"a":1,"A":2},{"a":3}]`:                      `[{"A":2,"a":1},{"a":3}]`,
		} {
			// Both targets are merged into where a member stands twice.
			got := any(map[string]any{})
			if in[0] == '[' {
				got = []any{}
			}
			if err := Decode([]byte(in), &got, Tolerant()); err != nil {
				t.Fatal(err)
			}
			if text, err := json.Marshal(got); err != nil || string(text) != want {
				t.Errorf("%s is %s, want %s", in, text, want)
			}
		}
		var into struct {
			A struct{ X, Y int }
			B *string
		}
		if err := Decode([]byte(`{"A":{"X":1},"B":"b","A":{"Y":2},"B":null}`), &into, Tolerant()); err != nil || into.A.X != 0 || into.A.Y != 2 || into.B != nil {
			t.Errorf("%+v, %v", into, err)
		}
	})
	t.Run("NaN inside a text stays", func(t *testing.T) {
		var p person
		if err := Decode([]byte(`{"age":-Infinity,"email":"NaN"}`), &p, Tolerant()); err != nil || p.Email != "NaN" {
			t.Errorf("%+v, %v", p, err)
		}
	})
	t.Run("a wrong type names the field and not the value", func(t *testing.T) {
		for _, in := range []string{`{"email":["a","hidden"]}`, `{"email":{"hidden":1}}`, `{"email":4711}`} {
			err := Decode([]byte(in), &person{}, Options{})
			var e *Error
			if !errors.As(err, &e) || e.Kind != WrongType || e.Field != "email" ||
				strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "4711") {
				t.Errorf("%s: %v", in, err)
			}
		}
	})
	t.Run("unknown members", func(t *testing.T) {
		in := []byte(`{"email":"a","is_staff":true}`)
		if err := Decode(in, &person{}, Options{}); err != nil {
			t.Errorf("ignored by default: %v", err)
		}
		var e *Error
		if err := Decode(in, &person{}, Options{Unknown: RefuseUnknown}); !errors.As(err, &e) || e.Kind != UnknownField {
			t.Errorf("got %v", err)
		}
		long := []byte(`{"` + strings.Repeat("x", 100_000) + `":1}`)
		if err := Decode(long, &person{}, Options{Unknown: RefuseUnknown}); err == nil || len(err.Error()) > 200 {
			t.Error("a long name is echoed")
		}
	})
}

func TestReadPassesTheLimitOn(t *testing.T) {
	body := http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(`"0123456789"`)), 5)
	var limit *http.MaxBytesError
	if err := Read(body, new(string), Options{}); !errors.As(err, &limit) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkCheck(b *testing.B) {
	data := []byte(`{"username":"someone","email":"someone@example.org","password":"correct horse battery","emailVerified":true}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(data, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
