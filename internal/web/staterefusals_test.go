package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/web"
)

// alert gives what a page says is wrong, and checks that a field it is about tells
// so to who does not see it.
func alert(t *testing.T, w *httptest.ResponseRecorder, name string, marked bool) string {
	t.Helper()
	said := ""
	for _, e := range parse(t, w.Body.String()) {
		if attr(e, "role") == "alert" && attr(e, "id") == "wrong" {
			said += text(e)
		}
	}
	if said == "" {
		t.Errorf("nothing is said to be wrong: %s", w.Body)
	}
	f := field(t, w, name)
	if f == nil {
		if marked {
			t.Errorf("there is no %s", name)
		}
		return said
	}
	if !strings.Contains(" "+attr(f, "aria-describedby")+" ", " wrong ") || (attr(f, "aria-invalid") == "true") != marked {
		t.Errorf("%s is described by %q, invalid: %q", name, attr(f, "aria-describedby"), attr(f, "aria-invalid"))
	}
	return said
}

func throttled(code user.Code, seconds int) error {
	no := user.Refuse(code, "phone")
	no.RetryAfter = seconds
	return no
}

func TestRefusalsOfStateSignInsAreExplained(t *testing.T) {
	d := &desk{}
	pages := statePages(t, d)
	type refusing func(*desk, error)
	phone := func(d *desk, no error) { d.noText = no }
	enter := func(d *desk, no error) { d.noEnter = no }
	again := func(d *desk, no error) { d.noAgain, d.visit.Resend = no, noon }
	link := func(d *desk, no error) { d.noLink = no }
	wrongCode := func(left string) error {
		return user.Refuse(user.BadCredential, "OTP", "remaining", left, "allowed", "2")
	}
	for _, c := range []struct {
		name       string
		path       string
		step       web.StateStep
		with       func(*web.StateVisit)
		refuses    refusing
		no         error
		status     int
		retryAfter string
		marked     bool // the field
		en, hi     string
	}{
		{"no phone", contactPath, web.StateContact, nil, phone, user.Refuse(user.Invalid, "phone"), 422, "", true, "This is not a phone number that we know how to reach. Check the digits.", "यह फ़ोन नंबर सही नहीं लगता। कृपया अंक जाँचें।"},
		{"none typed", contactPath, web.StateContact, nil, phone, user.Refuse(user.Missing, "phone"), 422, "", true, "This is not a phone number that we know how to reach. Check the digits.", "यह फ़ोन नंबर सही नहीं लगता। कृपया अंक जाँचें।"},
		{"a country", contactPath, web.StateContact, nil, phone, user.Refuse(user.Unsupported, "country", "country", "US"), 422, "", true, "We cannot send text messages to this number. Use a mobile number of a country that is served here.", "हम इस नंबर पर संदेश नहीं भेज सकते। कृपया ऐसे देश का मोबाइल नंबर लिखें जहाँ यह सेवा उपलब्ध है।"},
		{"blocked", contactPath, web.StateContact, nil, phone, user.Refuse(user.UserLocked, "phone"), 422, "", true, "The account with this number is blocked. Please contact its administrator.", "इस नंबर का खाता बंद कर दिया गया है। कृपया व्यवस्थापक से संपर्क करें।"},
		{"deleted by an operator", contactPath, web.StateCode, nil, phone, user.Refuse(user.UserDeleted, "phone"), 422, "", true, "The account with this number is blocked. Please contact its administrator.", "इस नंबर का खाता बंद कर दिया गया है। कृपया व्यवस्थापक से संपर्क करें।"},
		{"an hour's texts", contactPath, web.StateContact, nil, phone, throttled(user.Throttled, 3600), 429, "3600", false, "Too many codes were asked for. Try again in 60 minutes.", "बहुत बार कोड माँगा गया है। 60 मिनट बाद फिर कोशिश करें।"},
		{"a day's texts", againPath, web.StateCode, nil, again, throttled(user.Throttled, 86000), 429, "86000", false, "Too many codes were asked for. Try again in 24 hours.", "बहुत बार कोड माँगा गया है। 24 घंटे बाद फिर कोशिश करें।"},
		{"busy", contactPath, web.StateContact, nil, phone, throttled(user.Busy, 1), 503, "1", false, "Very many people are signing in at this moment. Try again in 1 second.", "इस समय बहुत लोग साइन इन कर रहे हैं। 1 सेकंड बाद फिर कोशिश करें।"},
		{"busy at the code", codePath, web.StateCode, nil, enter, throttled(user.Busy, 0), 503, "1", false, "Very many people are signing in at this moment. Try again in a moment.", "इस समय बहुत लोग साइन इन कर रहे हैं। थोड़ी देर में फिर कोशिश करें।"},
		{"a wrong code", codePath, web.StateCode, nil, enter, wrongCode("1"), 422, "", true, "This is not the code. You have 1 try left.", "यह कोड सही नहीं है। आपके पास 1 मौका बचा है।"},
		{"a wrong code, with more tries", codePath, web.StateCode, nil, enter, wrongCode("2"), 422, "", true, "This is not the code. You have 2 tries left.", "यह कोड सही नहीं है। आपके पास 2 मौके बचे हैं।"},
		{"the last try", codePath, web.StateCode, nil, enter, wrongCode("0"), 422, "", false, "This code is no longer good: it was typed wrong too often. Ask for a new one.", "यह कोड अब मान्य नहीं है: इसे कई बार गलत लिखा गया। कृपया नया कोड माँगें।"},
		{"the phone of another of the state", codePath, web.StateCode, nil, enter, user.Refuse(user.InUse, "phone"), 422, "", false, "Another account from your state signs in with this number already. Use another number, or ask your State administration.", "आपके राज्य का कोई दूसरा खाता पहले से इस नंबर से साइन इन करता है। कृपया दूसरा नंबर लिखें, या अपने राज्य के व्यवस्थापक से संपर्क करें।"},
		{"no code alive", codePath, web.StateCode, codeDead, enter, user.Refuse(user.BadCredential, "OTP"), 422, "", false, "This code is no longer good. Ask for a new one.", "यह कोड अब मान्य नहीं है। कृपया नया कोड माँगें।"},
		{"expired", codePath, web.StateCode, codeExpired, enter, user.Refuse(user.BadCredential, "OTP"), 422, "", false, "The time of this code is over. Ask for a new one.", "इस कोड का समय समाप्त हो गया है। कृपया नया कोड माँगें।"},
		{"blocked meanwhile", codePath, web.StateCode, nil, enter, user.Refuse(user.UserLocked, "user"), 422, "", false, "The account with this number is blocked. Please contact its administrator.", "इस नंबर का खाता बंद कर दिया गया है। कृपया व्यवस्थापक से संपर्क करें।"},
		{"the school is gone", codePath, web.StateCode, nil, enter, user.Refuse(user.NotFound, "school"), 422, "", false, "The school that your state names is not known here any more. Contact your State administration.", "आपके राज्य द्वारा बताया गया विद्यालय अब यहाँ नहीं मिलता। अपने राज्य के व्यवस्थापक से संपर्क करें।"},
		{"too early", againPath, web.StateCode, nil, func(*desk, error) {}, nil, 429, "20", false, "A message is on its way. If it does not come, ask for it again in 20 seconds.", "संदेश भेजा जा चुका है। यदि वह न आए, तो 20 सेकंड बाद फिर माँगें।"},
		{"blocked at the challenge", challengePath, web.StateChallenge, nil, link, user.Refuse(user.UserLocked, "phone"), 422, "", false, "The account with this number is blocked. Please contact its administrator.", "इस नंबर का खाता बंद कर दिया गया है। कृपया व्यवस्थापक से संपर्क करें।"},
	} {
		for lang, want := range map[string]string{"en": c.en, "hi": c.hi} {
			t.Run(c.name+", "+lang, func(t *testing.T) {
				// Given a domain that refuses,
				*d = *at(c.step)
				if c.with != nil {
					c.with(&d.visit)
				}
				c.refuses(d, c.no)
				// when the form is sent,
				w := presses(pages, c.path, lang, url.Values{"phone": {`98"><b>`}, "code": {"123456"}, "mine": {"yes"}})
				// then the same page says why, beside what was typed.
				name := map[string]string{contactPath: "phone"}[c.path]
				if name == "" {
					name = "code"
				}
				if got := alert(t, w, name, c.marked); got != want {
					t.Errorf("says %q, want %q", got, want)
				}
				if got := w.Header().Get("Retry-After"); w.Code != c.status || got != c.retryAfter {
					t.Errorf("%d, Retry-After %q", w.Code, got)
				}
				isStatePage(t, w, lang)
				all := parse(t, w.Body.String())
				if got := text(named(all, "title")[0]); !strings.HasPrefix(got, map[string]string{"en": "Error: ", "hi": "त्रुटि: "}[lang]) {
					t.Errorf("the title is %q", got)
				}
				// A phone is there to be corrected, a code is not.
				if f := field(t, w, name); f != nil && attr(f, "value") != map[string]string{"phone": `98"><b>`}[name] {
					t.Errorf("%s is %q", name, attr(f, "value"))
				}
				if c.path == contactPath && !strings.Contains(w.Body.String(), "Ramesh") {
					t.Error("the page forgot who comes")
				}
			})
		}
	}
}

// What cannot be a code costs none of the two tries; what people make of a code does
// not matter.
func TestCodesAsPeopleTypeThem(t *testing.T) {
	d := at(web.StateCode)
	pages := statePages(t, d)
	for typed, want := range map[string]string{
		"123456": "123456", " 123456\n": "123456", "123 456": "123456", "123-456": "123456", "1 2 3 4 5 6": "123456",
		"१२३४५६": "123456", "१२३ ४५६": "123456", "123\u00a0456": "123456",
		"": "", "12345": "", "1234567": "", "12345a": "", "１２３４５６": "", "123.456": "", "-": "", "12345\x00": "", "12345\xff": "",
		strings.Repeat("1", 1000): "",
	} {
		d.deeds = nil
		w := presses(pages, codePath, "en", url.Values{"code": {typed}})
		if want != "" {
			if len(d.deeds) != 1 || d.deeds[0].typed != want || w.Code != http.StatusSeeOther {
				t.Errorf("%q: %d, did %v", typed, w.Code, d.deeds)
			}
			continue
		}
		if len(d.deeds) > 0 || w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d, did %v", typed, w.Code, d.deeds)
		}
		if said := alert(t, w, "code", true); said != "The code has six digits. Look at the message again." {
			t.Errorf("%q: %q", typed, said)
		}
	}
	w := presses(pages, codePath, "hi", url.Values{"code": {"12"}})
	contains(t, "in Hindi", w.Body.String(), "कोड में छह अंक होते हैं।")
	isStatePage(t, w, "hi")
}

func TestAskingForAnotherText(t *testing.T) {
	for lang, words := range map[string]struct{ counting, waits, sent string }{
		"en": {"Send the code again in {n} s", "You can ask again in 20 seconds.", "The message was sent again. It may take a minute."},
		"hi": {"कोड फिर भेजें: {n} सेकंड बाद", "आप 20 सेकंड बाद फिर माँग सकते हैं।", "संदेश फिर से भेजा गया है। इसमें एक मिनट लग सकता है।"},
	} {
		// Given a code that was sent ten seconds ago, of the thirty that it may take,
		d := at(web.StateCode)
		pages := statePages(t, d)
		// then the page counts the rest where there is a script, and says it where not,
		w := opens(pages, codePath, lang)
		contains(t, "the page", w.Body.String(), `data-seconds="20" data-words="`+words.counting+`"`, "<noscript>", words.waits)
		// and it is not sent yet.
		if w := presses(pages, againPath, lang, nil); w.Code != http.StatusTooManyRequests || len(d.deeds) > 0 {
			t.Errorf("too early: %d, did %v", w.Code, d.deeds)
		}
		// When its time has come,
		d.visit.Resend = noon
		lacks(t, "the page", opens(pages, codePath, lang).Body.String(), "data-seconds", "<noscript>")
		// then it is sent, in the page's language, and the page says so.
		to, page := codePath+"?sent", presses(pages, againPath, lang, nil)
		leads(t, againPath, page, to)
		want := deed{"again", "", web.StateAsking{Network: netip.MustParsePrefix("192.0.2.1/32"), Lang: lang}}
		if len(d.deeds) != 1 || d.deeds[0] != want {
			t.Errorf("did %v, want %v", d.deeds, want)
		}
		d.visit.Resend = noon.Add(30 * time.Second)
		contains(t, "the page", opens(pages, to, lang).Body.String(), words.sent, `role="status"`)
		// A dead code's page counts too.
		d.visit.Remaining = 0
		contains(t, "of a dead code", opens(pages, to, lang).Body.String(), `data-seconds="30"`)
	}
	// The last part of a second is a second.
	d := at(web.StateCode)
	d.visit.Resend = noon.Add(time.Millisecond)
	w := presses(statePages(t, d), againPath, "en", nil)
	contains(t, "the page", w.Body.String(), `data-seconds="1"`, "in 1 second.")
	if w.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	for path, step := range map[string]web.StateStep{contactPath: web.StateContact, codePath: web.StateCode, challengePath: web.StateChallenge} {
		d := at(step)
		pages := statePages(t, d)
		big := presses(pages, path, "en", url.Values{"phone": {strings.Repeat("9", 1<<20)}})
		if big.Code != http.StatusRequestEntityTooLarge || len(d.deeds) > 0 {
			t.Errorf("%s, a megabyte: %d, did %v", path, big.Code, d.deeds)
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("phone=%zz&code=%zz"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Cookie", hasVisit)
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || len(d.deeds) > 0 {
			t.Errorf("%s, torn: %d, did %v", path, w.Code, d.deeds)
		}
	}
}

func TestPhonesAreCutToWhatAnyPhoneHas(t *testing.T) {
	d := at(web.StateContact)
	presses(statePages(t, d), contactPath, "en", url.Values{"phone": {strings.Repeat("9", 5000)}})
	if len(d.deeds) != 1 || len(d.deeds[0].typed) != 64 {
		t.Errorf("did %v", d.deeds)
	}
}

func TestNetworkIsAskedOfStateSignIns(t *testing.T) {
	want := netip.MustParsePrefix("2001:db8:1:100::/56")
	d := at(web.StateContact)
	pages := statePages(t, d, func(o *web.Options) { o.Network = func(*http.Request) netip.Prefix { return want } })
	presses(pages, contactPath, "en", url.Values{"phone": {"98765 07001"}})
	if len(d.deeds) != 1 || d.deeds[0].by.Network != want {
		t.Errorf("did %v", d.deeds)
	}
}
