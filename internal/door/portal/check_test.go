package portal_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

// Each rule of the contract's table, by the text it has in each language; with a
// fault nothing is taken over.
func TestFieldsThatAreRefused(t *testing.T) {
	const (
		nullEN, nullIT   = "This field may not be null.", "Il campo non può essere nullo."
		blankEN, blankIT = "This field may not be blank.", "Questo campo non può essere omesso."
		phoneEN, phoneIT = "Use the format +99999999. From 8 to 15 digits allowed", "Usa il formato +99999999. Sono ammesse da 8 a 15 cifre"
		emailEN, emailIT = "Enter a valid email address.", "Inserisci un indirizzo email valido."
	)
	fault := func(field, text string) string { return `{"` + field + `":["` + text + `"]}` }
	boolEN := func(v string) string { return `\"` + v + `\" is not a valid boolean.` }
	boolIT := func(v string) string { return `\"` + v + `\" non è un valido valore booleano.` }
	choiceEN := func(v string) string { return `\"` + v + `\" is not a valid choice.` }
	choiceIT := func(v string) string { return `\"` + v + `\" non è una scelta valida.` }
	longEN := func(n string) string { return "Ensure this field has no more than " + n + " characters." }
	longIT := func(n string) string { return "Assicurati che questo campo non abbia più di " + n + " caratteri." }
	dictEN := func(kind string) string { return "Invalid data. Expected a dictionary, but got " + kind + "." }
	dictIT := func(kind string) string {
		return "Dati non validi. È previsto un dizionario, ma si è ottenuto " + kind + "."
	}
	for _, c := range []struct{ body, field, en, it string }{
		{`{"accepted_terms_of_service":"maybe"}`, "accepted_terms_of_service", boolEN("maybe"), boolIT("maybe")},
		{`{"accepted_terms_of_service":""}`, "accepted_terms_of_service", boolEN(""), boolIT("")},
		{`{"accepted_terms_of_service":2}`, "accepted_terms_of_service", boolEN("2"), boolIT("2")},
		{`{"accepted_terms_of_service":[true]}`, "accepted_terms_of_service", boolEN("[True]"), boolIT("[True]")},
		{`{"accepted_terms_of_service":null}`, "accepted_terms_of_service", nullEN, nullIT},
		{`{"username":""}`, "username", blankEN, blankIT},
		{`{"username":null}`, "username", nullEN, nullIT},
		{`{"nickname":""}`, "nickname", blankEN, blankIT},
		{`{"nickname":"  "}`, "nickname", blankEN, blankIT},
		{`{"nickname":null}`, "nickname", nullEN, nullIT},
		{`{"nickname":[1]}`, "nickname", "Not a valid string.", "Non è una stringa valida."},
		{`{"nickname":true}`, "nickname", "Not a valid string.", "Non è una stringa valida."},
		{`{"nickname":"a\u0000b"}`, "nickname", "Not a valid string.", "Non è una stringa valida."},
		{`{"language_preference":""}`, "language_preference", blankEN, blankIT},
		{`{"language_preference":null}`, "language_preference", nullEN, nullIT},
		{`{"language_preference":"` + long(21) + `"}`, "language_preference", longEN("20"), longIT("20")},
		{`{"email":"nope"}`, "email", emailEN, emailIT},
		{`{"email":"a@b@c"}`, "email", emailEN, emailIT},
		{`{"email":null}`, "email", nullEN, nullIT},
		{`{"first_name":"` + long(31) + `"}`, "first_name", longEN("30"), longIT("30")},
		{`{"first_name":null}`, "first_name", nullEN, nullIT},
		{`{"last_name":"` + long(151) + `"}`, "last_name", longEN("150"), longIT("150")},
		{`{"profile":"x"}`, "non_field_errors", dictEN("str"), dictIT("str")},
		{`{"profile":[]}`, "non_field_errors", dictEN("list"), dictIT("list")},
		{`{"profile":7}`, "non_field_errors", dictEN("int"), dictIT("int")},
		{`{"profile":7.5}`, "non_field_errors", dictEN("float"), dictIT("float")},
		{`{"profile":true}`, "non_field_errors", dictEN("bool"), dictIT("bool")},
		{`{"profile":{"age":"40"}}`, "age", choiceEN("40"), choiceIT("40")},
		{`{"profile":{"age":null}}`, "age", nullEN, nullIT},
		{`{"profile":{"age":19}}`, "age", choiceEN("19"), choiceIT("19")},
		{`{"profile":{"gender":""}}`, "gender", choiceEN(""), choiceIT("")},
		{`{"profile":{"gender":true}}`, "gender", choiceEN("True"), choiceIT("True")},
		{`{"profile":{"gender":["male"]}}`, "gender", choiceEN("['male']"), choiceIT("['male']")},
		{`{"profile":{"occupation":5}}`, "occupation", choiceEN("5"), choiceIT("5")},
		{`{"profile":{"occupation":"astronaut"}}`, "occupation", choiceEN("astronaut"), choiceIT("astronaut")},
		{`{"profile":{"phone_number":"12345"}}`, "phone_number", phoneEN, phoneIT},
		{`{"profile":{"phone_number":"+1234567"}}`, "phone_number", phoneEN, phoneIT},
		{`{"profile":{"phone_number":"+1234567890123456"}}`, "phone_number", phoneEN + `","` + longEN("16"), phoneIT + `","` + longIT("16")},
		{`{"profile":{"phone_number":null}}`, "phone_number", nullEN, nullIT},
		{`{"profile":{"bio":null}}`, "bio", nullEN, nullIT},
		{`{"profile":{"bio":{}}}`, "bio", "Not a valid string.", "Non è una stringa valida."},
		{`{"profile":{"uses_car_sharing":"perhaps"}}`, "uses_car_sharing", choiceEN("perhaps"), choiceIT("perhaps")},
		{`[1]`, "non_field_errors", dictEN("list"), dictIT("list")},
		{`"x"`, "non_field_errors", dictEN("str"), dictIT("str")},
		{`1`, "non_field_errors", dictEN("int"), dictIT("int")},
		{`null`, "non_field_errors", "No data provided", "Nessun dato fornito"},
	} {
		w := newWorld(t)
		w.answers(c.body, call{kind: jsonKind, body: c.body}, 400, fault(c.field, c.en))
		w.answers(c.body+" in Italian", call{kind: jsonKind, body: c.body, header: map[string]string{"Accept-Language": "it"}}, 400, fault(c.field, c.it))
		w.answers(c.body+" by PUT", call{method: "PUT", kind: jsonKind, body: c.body}, 400, fault(c.field, c.en))
		if len(w.people.changed) > 0 {
			t.Errorf("%s: taken over", c.body)
		}
	}
}

// Several faults stand in one object, those of the profile flat among the rest.
func TestSeveralFaults(t *testing.T) {
	w := newWorld(t)
	w.answers("several", call{kind: jsonKind, body: `{"nickname":"","accepted_terms_of_service":"maybe","profile":{"phone_number":"12345","age":null,"gender":"","occupation":5,"bio":"fine"}}`}, 400,
		`{"accepted_terms_of_service":["\"maybe\" is not a valid boolean."],"nickname":["This field may not be blank."],"gender":["\"\" is not a valid choice."],`+
			`"age":["This field may not be null."],"occupation":["\"5\" is not a valid choice."],"phone_number":["Use the format +99999999. From 8 to 15 digits allowed"]}`)
	if len(w.people.changed) > 0 {
		t.Error("taken over")
	}
}

// What is taken over: a person's own words, as they were sent, and no field that is
// the realm's or nobody's.
func TestFieldsThatAreTaken(t *testing.T) {
	for _, c := range []struct {
		body   string
		fields map[string]string // "∅" for one that is emptied
	}{
		{`{}`, nil},
		{``, nil},
		{`{"nickname":" Ada "}`, map[string]string{"nickname": "Ada"}},
		{`{"nickname":7}`, map[string]string{"nickname": "7"}},
		{`{"language_preference":"` + long(20) + `"}`, map[string]string{"language_preference": long(20)}},
		{`{"username":"x","email":"x@example.org","first_name":"x","last_name":"x"}`, nil},
		{`{"email":"","first_name":"","last_name":""}`, nil},
		{`{"first_name":"` + strings.Repeat("é", 30) + `","last_name":"` + strings.Repeat("é", 150) + `"}`, nil},
		{`{"uuid":7,"url":null,"avatar":[],"date_joined":"x","colour":{"a":1},"id":null}`, nil},
		{`{"profile":null}`, nil},
		{`{"profile":{"gender":"male","age":"< 19","bio":"a\nb","occupation":"worker"}}`, map[string]string{"gender": "male", "age": "< 19", "bio": "a\nb", "occupation": "worker"}},
		{`{"profile":{"phone_number":"+391234567890"}}`, map[string]string{"phone_number": "+391234567890"}},
		{`{"profile":{"phone_number":"","bio":""}}`, map[string]string{"phone_number": "∅", "bio": "∅"}},
		{
			`{"profile":{"uses_car_sharing":true,"uses_bike_sharing":"no","uses_car_pooling":0,"bicycle_usage":"never"}}`,
			map[string]string{"uses_car_sharing": "yes", "uses_bike_sharing": "no", "uses_car_pooling": "no", "bicycle_usage": "never"},
		},
		{`{"profile":{"date_updated":null,"colour":7,"terms_portal":"1","email":"x"}}`, nil},
	} {
		w := newWorld(t)
		if rec := w.asks(call{kind: jsonKind, body: c.body}); rec.Code != 200 || len(w.people.changed) != 1 {
			t.Errorf("%s: %d %s", c.body, rec.Code, rec.Body)
			continue
		}
		ch := w.people.changed[0]
		got := map[string]string{}
		for name, v := range ch.Fields {
			if got[name] = "∅"; v != nil {
				got[name] = *v
			}
		}
		if !maps.Equal(got, c.fields) || ch.Profile != strings.Contains(c.body, `"profile":{`) || ch.Accepts != nil || ch.Type != nil {
			t.Errorf("%s: %v, %+v", c.body, got, ch)
		}
	}
}

func TestTermsThatAreTaken(t *testing.T) {
	for value, want := range map[string]bool{
		`true`: true, `"true"`: true, `"True"`: true, `1`: true, `"1"`: true, `"yes"`: true, `"on"`: true,
		`false`: false, `"false"`: false, `"False"`: false, `0`: false, `"0"`: false, `"off"`: false,
	} {
		w := newWorld(t)
		rec := w.asks(call{kind: jsonKind, body: `{"accepted_terms_of_service":` + value + `}`})
		if rec.Code != 200 || w.people.changed[0].Accepts == nil || *w.people.changed[0].Accepts != want {
			t.Errorf("%s: %d %s %+v", value, rec.Code, rec.Body, w.people.changed)
		}
	}
}

// The form of the profile that is meant is the one that counts: the one they have,
// else the one they send, else the default.
func TestTypesOfProfiles(t *testing.T) {
	w := newWorld(t)
	w.asks(call{kind: jsonKind, body: `{"profile_type":"privilegeduserprofile","profile":{"age":"40"}}`})
	if ch := w.people.changed; len(ch) != 1 || *ch[0].Type != "privilegeduserprofile" || !ch[0].Profile || len(ch[0].Fields) > 0 {
		t.Errorf("%+v", ch)
	}
	for body, kind := range map[string]string{`7`: "7", `"x"`: "x", `["a"]`: "['a']", `""`: ""} {
		w.people.changed = nil
		w.asks(call{kind: jsonKind, body: `{"profile_type":` + body + `}`})
		if ch := w.people.changed; len(ch) != 1 || ch[0].Type == nil || *ch[0].Type != kind {
			t.Errorf("%s: %+v", body, ch)
		}
	}
	w.people.changed = nil
	w.asks(call{kind: jsonKind, body: `{"profile_type":null}`})
	if ch := w.people.changed; len(ch) != 1 || ch[0].Type != nil {
		t.Errorf("%+v", ch)
	}
	w.people.account.Type, w.people.changed = "privilegeduserprofile", nil
	if rec := w.asks(call{kind: jsonKind, body: `{"profile":{"age":"40"}}`}); rec.Code != 200 || len(w.people.changed[0].Fields) > 0 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.people.fault = user.Refuse(user.Invalid, "profile_type")
	w.answers("not theirs to have", call{kind: jsonKind, body: `{"profile_type":"x","profile":{}}`}, 400, `{"profile_type":"incorrect value"}`)
	w.people.fault = user.Refuse(user.BadToken, "")
	w.answers("ended in between", call{kind: jsonKind, body: `{}`}, 403, detail(notVerified))
}

// What policy says of a value is what the door says.
func TestPolicyIsTheRule(t *testing.T) {
	w := newWorld(t)
	w.rules.Portal.Attributes = maps.Clone(w.rules.Portal.Attributes)
	w.rules.Portal.Attributes["age"] = policy.Attribute{Type: policy.Choice, Values: []string{"40"}}
	w.rules.Portal.Attributes["bio"] = policy.Attribute{Type: policy.Free, MaxLength: 3}
	w.answers("a choice of policy's", call{kind: jsonKind, body: `{"profile":{"age":"19 - 30","bio":"long"}}`}, 400,
		`{"bio":["Ensure this field has no more than 3 characters."],"age":["\"19 - 30\" is not a valid choice."]}`)
	if rec := w.asks(call{kind: jsonKind, body: `{"profile":{"age":"40","bio":"xyz"}}`}); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}
