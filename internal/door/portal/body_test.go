package portal_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/door/portal"
	"github.com/usher-id/usher/internal/policy"
)

const formKind = "application/x-www-form-urlencoded"

// multi is a multipart form of these names and values, in turn; a name that begins
// with @ is a file's.
func multi(t *testing.T, pairs ...string) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		name, file := strings.CutPrefix(pairs[i], "@")
		head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"`}}
		if file {
			head.Set("Content-Disposition", head.Get("Content-Disposition")+`; filename="a.png"`)
		}
		part, err := m.CreatePart(head)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), b.String()
}

// The same request in each form that the contract takes is one change.
func TestEveryFormOfABody(t *testing.T) {
	form := url.Values{
		"nickname": {"first", "Ada"}, "accepted_terms_of_service": {"true"}, "profile_type": {"enduserprofile"},
		"profile.age": {"19 - 30"}, "profile.occupation": {"artist"}, "profile.uses_car_sharing": {"true"}, "profile.bio": {""},
	}.Encode()
	multiKind, multiBody := multi(t, "nickname", "first", "nickname", "Ada", "accepted_terms_of_service", "true", "profile_type", "enduserprofile",
		"profile.age", "19 - 30", "profile.occupation", "artist", "profile.uses_car_sharing", "true", "profile.bio", "", "@avatar", "\x89PNG", "", "unnamed")
	object := `{"nickname":"Ada","accepted_terms_of_service":true,"profile_type":"enduserprofile",
		"profile":{"age":"19 - 30","occupation":"artist","uses_car_sharing":true,"bio":""}}`
	for _, c := range []struct{ kind, body string }{
		{jsonKind, object},
		{"application/json; charset=utf-8", object},
		{"APPLICATION/JSON", object},
		{"", object},
		{formKind, form},
		{formKind + "; charset=UTF-8", form},
		{multiKind, multiBody},
	} {
		w := newWorld(t)
		rec := w.asks(call{kind: c.kind, body: c.body})
		if rec.Code != 200 || len(w.people.changed) != 1 {
			t.Errorf("%s: %d %s", c.kind, rec.Code, rec.Body)
			continue
		}
		ch := w.people.changed[0]
		if *ch.Fields["nickname"] != "Ada" || *ch.Fields["age"] != "19 - 30" || *ch.Fields["occupation"] != "artist" || *ch.Fields["uses_car_sharing"] != "yes" ||
			ch.Fields["bio"] != nil || len(ch.Fields) != 5 || !*ch.Accepts || *ch.Type != "enduserprofile" || !ch.Profile {
			t.Errorf("%s: %+v", c.kind, ch)
		}
	}
}

func TestFaultsInForms(t *testing.T) {
	w := newWorld(t)
	w.answers("a form", call{kind: formKind, body: "accepted_terms_of_service=maybe&profile.age=40"}, 400,
		`{"accepted_terms_of_service":["\"maybe\" is not a valid boolean."],"age":["\"40\" is not a valid choice."]}`)
	w.answers("a profile that is a text", call{kind: formKind, body: "profile=x"}, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`)
	w.answers("no form", call{kind: formKind, body: "a=%zz"}, 400, detail("Malformed request."))
	kind, body := multi(t, "nickname", "", "profile.gender", "it")
	w.answers("a multipart form", call{kind: kind, body: body}, 400,
		`{"nickname":["This field may not be blank."],"gender":["\"it\" is not a valid choice."]}`)
	for what, c := range map[string]call{
		"no boundary": {kind: "multipart/form-data", body: body},
		"half of one": {kind: kind, body: body[:len(body)/2]},
	} {
		w.answers(what, c, 400, detail("Malformed request."))
	}
	kind, body = multi(t, "nickname", strings.Repeat("x", 64<<10+1))
	w.answers("a long value", call{kind: kind, body: body}, 413, detail("The request is too large."))
	var many []string
	for i := range 300 {
		many = append(many, "field"+strconv.Itoa(i), "x")
	}
	kind, body = multi(t, many...)
	w.answers("many values", call{kind: kind, body: body}, 413, detail("The request is too large."))
	if len(w.people.changed) > 0 {
		t.Errorf("%+v", w.people.changed)
	}
}

func TestMediaTypesThatAreNotTaken(t *testing.T) {
	w := newWorld(t)
	for kind, said := range map[string]string{
		"application/xml": "application/xml", "application/xml; charset=utf-8": "application/xml", "text/plain": "text/plain",
		"application/jsonp": "application/jsonp", "text/json": "text/json", "multipart/mixed; boundary=x": "multipart/mixed", "nonsense/": "nonsense/",
	} {
		w.answers(kind, call{kind: kind, body: "<a/>"}, 415, `{"detail":"Unsupported media type \"`+said+`\" in request."}`)
		w.answers(kind+" in Italian", call{kind: kind, body: "<a/>", header: map[string]string{"Accept-Language": "it"}}, 415, `{"detail":"Tipo di media \"`+said+`\" non supportato."}`)
	}
	if len(w.people.changed) > 0 {
		t.Errorf("%+v", w.people.changed)
	}
}

// What is no JSON, or may be read in two ways, is refused with what is wrong.
func TestJSONThatIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, body := range []string{
		`{oops`, `{"nickname":"a"`, `{"nickname":"a"} x`, `{"nickname":"a","nickname":"b"}`, `{'nickname':'a'}`, ` `, `{"nickname":"` + "\xff" + `"}`,
		`{"profile":{"age":"65+","age":"< 19"}}`, strings.Repeat(`{"profile":`, 100) + `1` + strings.Repeat(`}`, 100), `{"nickname":1e999}`, `{"nickname":"\ud800"}`,
	} {
		rec := w.asks(call{kind: jsonKind, body: body})
		if rec.Code != 400 || !strings.HasPrefix(rec.Body.String(), `{"detail":"JSON parse error - `) {
			t.Errorf("%.40q: %d %s", body, rec.Code, rec.Body)
		}
	}
	if len(w.people.changed) > 0 {
		t.Errorf("%+v", w.people.changed)
	}
}

// A body past the bound that the server sets is refused, whatever it is.
func TestBodiesThatAreTooLarge(t *testing.T) {
	kind, body := multi(t, "@avatar", long(5000))
	for kind, body := range map[string]string{jsonKind: `{"nickname":"` + long(5000) + `"}`, formKind: "nickname=" + long(5000), kind: body} {
		w := newWorld(t)
		r := httptest.NewRequest(http.MethodPatch, "/api/my-user", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer good")
		r.Header.Set("Content-Type", kind)
		rec := httptest.NewRecorder()
		r.Body = http.MaxBytesReader(rec, r.Body, 1000)
		portal.New(w.options).Handler().ServeHTTP(rec, r)
		if rec.Code != 413 || rec.Body.String() != detail("The request is too large.") || len(w.people.changed) > 0 {
			t.Errorf("%s: %d %s", kind, rec.Code, rec.Body)
		}
	}
}

// A connection that breaks off is nobody's change.
func TestABodyThatBreaksOff(t *testing.T) {
	for _, kind := range []string{jsonKind, formKind} {
		w := newWorld(t)
		r := httptest.NewRequest(http.MethodPatch, "/api/my-user", io.MultiReader(strings.NewReader(`{"nickname":"a"}`), broken{}))
		r.Header.Set("Authorization", "Bearer good")
		r.Header.Set("Content-Type", kind)
		rec := httptest.NewRecorder()
		portal.New(w.options).Handler().ServeHTTP(rec, r)
		if rec.Code != 400 || len(w.people.changed) > 0 {
			t.Errorf("%s: %d %s", kind, rec.Code, rec.Body)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The languages of errors are those that policy may have as its own.
func TestEveryLanguageOfPolicy(t *testing.T) {
	w := newWorld(t)
	for _, lang := range policy.Languages() {
		if got := w.asks(call{header: map[string]string{"Accept-Language": lang}}).Header().Get("Content-Language"); got != lang {
			t.Errorf("asked for %s, got %s", lang, got)
		}
	}
}
