package edi_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/door/edi"
	"github.com/usher-id/usher/internal/user"
)

func TestTheTokenIsReadFromOneCookieOnly(t *testing.T) {
	h := newWorld().handler(t)
	for _, c := range []struct {
		name    string
		target  string
		headers []string
		status  int
	}{
		{"plain", "", []string{"Cookie: edi-token=alice"}, 200},
		{"among others", "", []string{"Cookie: a=1; edi-token=alice; b=2"}, 200},
		{"quoted", "", []string{`Cookie: edi-token="alice"`}, 200},
		{"spaces around", "", []string{"Cookie:  edi-token = alice ; b=2"}, 200},
		{"empty", "", []string{"Cookie: edi-token="}, 401},
		{"another case", "", []string{"Cookie: EDI-Token=alice"}, 401},
		{"a longer name", "", []string{"Cookie: xedi-token=alice"}, 401},
		{"twice", "", []string{"Cookie: edi-token=alice; edi-token=alice"}, 401},
		{"twice, good and odd", "", []string{"Cookie: edi-token=alice; edi-token=\\\"odd"}, 401},
		{"twice, good and empty", "", []string{"Cookie: edi-token=alice; edi-token"}, 401},
		{"in two headers", "", []string{"Cookie: edi-token=alice", "Cookie: edi-token=bob"}, 401},
		{"Authorization", "", []string{"Authorization: Bearer alice"}, 401},
		{"own header", "", []string{"edi-token: alice"}, 401},
		{"query", "?edi-token=alice", nil, 401},
		{"too long", "", []string{"Cookie: edi-token=" + strings.Repeat("a", 9000)}, 401},
	} {
		got := call(h, "GET", collection+"/"+aliceID+c.target, "", c.headers...)
		if got.Code != c.status || c.status == 401 && got.Body.String() != unauthorized("readProfile") {
			t.Errorf("%s: %d %s", c.name, got.Code, got.Body)
		}
	}
}

func TestAnAgedTokenIsRenewedWithAnyAnswer(t *testing.T) {
	for _, target := range []struct {
		method, path string
		status       int
	}{
		{"GET", collection + "/" + aliceID, 200},
		{"GET", collection + "/" + unknownID, 404},
		{"POST", collection, 400},
		{"GET", "/auth/v1/ping", 200},
		{"GET", "/auth/ui/api/avatar/gen/AE", 200},
		{"GET", "/auth/elsewhere", 404},
		{"PATCH", collection, 405},
	} {
		got := call(newWorld().handler(t), target.method, target.path, "", as("aged"))
		if got.Code != target.status {
			t.Errorf("%s %s: %d", target.method, target.path, got.Code)
		}
		if c := got.Header().Get("Set-Cookie"); c != "edi-token=fresh; Path=/; HttpOnly; Secure; SameSite=Lax" {
			t.Errorf("%s %s: Set-Cookie %q", target.method, target.path, c)
		}
		if cc := got.Header().Get("Cache-Control"); cc != "no-store" {
			t.Errorf("%s %s: Cache-Control %q beside a cookie", target.method, target.path, cc)
		}
		for _, young := range []string{"alice", "hour", "forged"} {
			if c := call(newWorld().handler(t), target.method, target.path, "", as(young)).Header().Get("Set-Cookie"); c != "" {
				t.Errorf("%s %s as %s: Set-Cookie %q", target.method, target.path, young, c)
			}
		}
	}
}

func TestNoTokenForADeletedProfile(t *testing.T) {
	w := newWorld()
	if got := call(w.handler(t), "DELETE", collection+"/"+aliceID, "", as("aged")); got.Code != 200 || w.minted != 0 {
		t.Errorf("%d, minted %d", got.Code, w.minted)
	}
}

func TestCookiesAreSecureWhereThePublicURLIs(t *testing.T) {
	got := call(newWorld().at(t, "http://localhost:8080"), "GET", "/auth/v1/ping", "", as("aged"))
	if c := got.Header().Get("Set-Cookie"); c != "edi-token=fresh; Path=/; HttpOnly; SameSite=Lax" {
		t.Errorf("Set-Cookie %q", c)
	}
}

func TestNewNeedsAnAbsoluteURL(t *testing.T) {
	for _, u := range []string{"", "auth.example.org", "/auth", "ftp://auth.example.org", "https://", ":"} {
		if _, err := edi.New(edi.Options{PublicURL: u}); err == nil {
			t.Errorf("%q was taken", u)
		}
	}
}

func TestForeignPagesCannotWrite(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"curl", nil, 200},
		{"own page", []string{"Sec-Fetch-Site: same-origin", "Origin: https://auth.example.org"}, 200},
		{"own page, older browser", []string{"Origin: https://auth.example.org"}, 200},
		{"typed by hand", []string{"Sec-Fetch-Site: none"}, 200},
		{"foreign origin", []string{"Origin: https://evil.example"}, 403},
		{"opaque origin", []string{"Origin: null"}, 403},
		{"cross-site", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"sibling host", []string{"Sec-Fetch-Site: same-site", "Origin: https://blog.example.org"}, 403},
	} {
		for _, x := range []struct{ method, target, name, body string }{
			{"PUT", collection + "/" + aliceID, "updateProfile", "{}"},
			{"POST", collection, "createProfile", `{"idp_uid":"x"}`},
			{"DELETE", collection + "/" + aliceID, "deleteProfile", ""},
		} {
			w := newWorld()
			got := call(w.handler(t), x.method, x.target, x.body, append([]string{as("alice")}, c.headers...)...)
			if got.Code != c.status {
				t.Errorf("%s %s: %d %s", c.name, x.method, got.Code, got.Body)
			}
			if c.status == 403 && (got.Body.String() != says(x.name, "Access denied: Cross-site requests are not accepted") || len(w.edits)+len(w.deleted)+len(w.asked) > 0) {
				t.Errorf("%s %s: %s", c.name, x.method, got.Body)
			}
		}
		if got := call(newWorld().handler(t), "GET", collection+"/"+aliceID, "", append([]string{as("alice")}, c.headers...)...); got.Code != 200 {
			t.Errorf("%s GET: %d", c.name, got.Code)
		}
	}
}

func TestAccept(t *testing.T) {
	const j, x = "application/json", "application/xml"
	for _, c := range []struct {
		accept []string
		want   string // content type, or "" for 400
	}{
		{nil, j},
		{[]string{""}, j},
		{[]string{"*/*"}, j},
		{[]string{"application/json"}, j},
		{[]string{"APPLICATION/JSON; charset=utf-8"}, j},
		{[]string{"application/*"}, j},
		{[]string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, j},
		{[]string{"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}, j},
		{[]string{"image/png", "*/*;q=0.1"}, j},
		{[]string{"application/xml"}, x},
		{[]string{" text/xml ; q=0.5, application/json"}, x},
		{[]string{"text/html, application/xml"}, x},
		{[]string{"application/xml;q=0, */*"}, j},
		{[]string{"text/html"}, ""},
		{[]string{"image/png, text/plain"}, ""},
		{[]string{"text/html, */*;q=0"}, ""},
		{[]string{"garbage"}, ""},
	} {
		var headers []string
		for _, a := range c.accept {
			headers = append(headers, "Accept: "+a)
		}
		got := call(newWorld().handler(t), "GET", collection+"/"+bobID, "", append(headers, as("alice"))...)
		switch {
		case c.want == "" && (got.Code != 400 || !strings.HasPrefix(got.Body.String(), `{"msg":"Bad request: `)):
			t.Errorf("%q: %d %s", c.accept, got.Code, got.Body)
		case c.want != "" && (got.Code != 200 || got.Header().Get("Content-Type") != c.want):
			t.Errorf("%q: %d %s", c.accept, got.Code, got.Header().Get("Content-Type"))
		}
		if got := call(newWorld().handler(t), "GET", collection+"/"+bobID, "", headers...); got.Code != 401 {
			t.Errorf("%q without a cookie: %d", c.accept, got.Code)
		}
	}
}

func TestXML(t *testing.T) {
	w := newWorld()
	p := w.people[aliceID].Profile
	p[user.Name] = user.Shown{Value: user.Text("A & <B>")}
	p[user.PrivacyPolicy] = user.Shown{Value: user.Text("true")}
	p[user.PrivacyPolicyT] = user.Shown{Value: user.Text("2026-11-22T04:22:46.853436")}
	delete(p, user.EmailAttr)
	got := call(w.handler(t), "GET", collection+"/"+aliceID, "", as("alice"), "Accept: application/xml")
	want := `<?xml version="1.0" encoding="UTF-8"?>
<result>
  <msg>Profile retrieved successfully</msg>
  <edi_id>` + aliceID + `</edi_id>
  <common_name>A &amp; &lt;B&gt;</common_name>
  <email>None</email>
  <avatar_url>https://auth.example.org/auth/ui/api/avatar/gen/A&amp;%3C</avatar_url>
  <email_notifications>False</email_notifications>
  <privacy_policy_accepted>True</privacy_policy_accepted>
  <privacy_policy_accepted_date>2026-11-22 04:22:46.853436</privacy_policy_accepted_date>
  <method>readProfile</method>
</result>
`
	if got.Body.String() != want {
		t.Errorf("got  %s\nwant %s", got.Body, want)
	}
	if err := xml.Unmarshal(got.Body.Bytes(), new(struct{})); err != nil {
		t.Error(err)
	}
	bad := call(w.handler(t), "POST", collection, "", "Accept: text/xml")
	if bad.Code != 401 || !strings.Contains(bad.Body.String(), "  <method>createProfile</method>\n") {
		t.Errorf("an error in XML: %d %s", bad.Code, bad.Body)
	}
}

func TestUnknownPathsAndWrongVerbs(t *testing.T) {
	h := newWorld().handler(t)
	const missing, wrong = `{"detail":"Not Found"}`, `{"detail":"Method Not Allowed"}`
	item := collection + "/" + aliceID
	for _, c := range []struct {
		method, target string
		status         int
		body, allow    string
	}{
		{"GET", "/auth", 404, missing, ""},
		{"GET", "/auth/v1", 404, missing, ""},
		{"GET", "/elsewhere", 404, missing, ""},
		{"GET", collection + "/", 404, missing, ""},
		{"GET", item + "/", 404, missing, ""},
		{"GET", item + "/x", 404, missing, ""},
		{"GET", "/auth//v1/profile/" + aliceID, 404, missing, ""},
		{"GET", "/auth/v1/./profile/" + aliceID, 404, missing, ""},
		{"GET", "/auth/v1/x/../profile/" + aliceID, 404, missing, ""},
		{"GET", "/auth/ui/api/avatar/gen/", 404, missing, ""},
		{"GET", "/auth/ui/api/avatar/gen/A%00", 404, missing, ""},
		{"PATCH", collection, 405, wrong, "GET, POST"},
		{"HEAD", collection, 405, wrong, "GET, POST"},
		{"OPTIONS", collection, 405, wrong, "GET, POST"},
		{"POST", "/auth/v1/search", 405, wrong, "GET"},
		{"GET", "/auth/v1/group", 405, wrong, "POST"},
		{"POST", "/auth/v1/group/x", 405, wrong, "DELETE, GET, PUT"},
		{"PUT", "/auth/v1/group/x/y", 405, wrong, "DELETE, POST"},
		{"GET", "/auth/v1/token/refresh", 405, wrong, "POST"},
		{"DELETE", "/auth/v1/token/x", 405, wrong, "POST"},
		{"PUT", "/auth/v1/token/x", 405, wrong, "POST"},
		{"POST", "/auth/ui/api/token/download", 405, wrong, "GET"},
		{"POST", item, 405, wrong, "DELETE, GET, PUT"},
		{"HEAD", item, 405, wrong, "DELETE, GET, PUT"},
		{"OPTIONS", item, 405, wrong, "DELETE, GET, PUT"},
		{"HEAD", "/auth/ui/api/avatar/gen/AE", 405, wrong, "GET"},
		{"POST", "/auth/v1/ping", 405, wrong, "GET"},
	} {
		got := call(h, c.method, c.target, "")
		if got.Code != c.status || got.Body.String() != c.body || got.Header().Get("Allow") != c.allow || got.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s %v", c.method, c.target, got.Code, got.Body, got.Header())
		}
	}
}

func TestPing(t *testing.T) {
	if got := call(newWorld().handler(t), "GET", "/auth/v1/ping", ""); got.Code != 200 || got.Body.String() != "pong" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	w := newWorld()
	w.fault = fmt.Errorf("no database")
	if got := call(w.handler(t), "GET", "/auth/v1/ping", "", as("alice")); got.Code != 200 {
		t.Errorf("with a cookie that cannot be checked: %d", got.Code)
	}
}

func TestAvatar(t *testing.T) {
	h := newWorld().handler(t)
	pictures := map[string]bool{}
	for _, text := range []string{"JS", "js", "ABCD", "%3F", "%C3%89", "%E6%9D%8E", "%20", "%ff", "a%2Fb", strings.Repeat("W", 16), "%F0%9F%98%80"} {
		got := call(h, "GET", "/auth/ui/api/avatar/gen/"+text, "")
		if got.Code != 200 || got.Header().Get("Content-Type") != "image/png" {
			t.Errorf("%s: %d %s", text, got.Code, got.Header().Get("Content-Type"))
			continue
		}
		pictures[got.Body.String()] = true
		img, err := png.Decode(bytes.NewReader(got.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != 200 || b.Dy() != 200 || img.ColorModel() != color.NRGBAModel {
			t.Errorf("%s: %v, %v", text, b, img.ColorModel())
		}
		inked := false
		for y := range 200 {
			for x := range 200 {
				c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
				inked = inked || c.R < 100 && c.R == c.G && c.G == c.B
				if edge := x < 10 || x >= 190 || y < 10 || y >= 190; edge && c != (color.NRGBA{197, 197, 197, 255}) {
					t.Fatalf("%s: ink at the edge, %d,%d: %v", text, x, y, c)
				}
			}
		}
		if !inked && text != "%20" {
			t.Errorf("%s: nothing is drawn", text)
		}
	}
	if len(pictures) < 7 {
		t.Errorf("only %d different pictures", len(pictures))
	}
	long := func(n int) string {
		return call(h, "GET", "/auth/ui/api/avatar/gen/"+strings.Repeat("i", n), "").Body.String()
	}
	if long(16) != long(5000) {
		t.Error("what is beyond 16 characters is drawn")
	}
	for i := range 300 { // more than are kept
		if got := call(h, "GET", fmt.Sprintf("/auth/ui/api/avatar/gen/%d", i), ""); got.Code != 200 {
			t.Fatalf("%d: %d", i, got.Code)
		}
	}
}

func TestNoBodyIsTheServersFault(t *testing.T) {
	h := newWorld().handler(t)
	pieces := []string{
		"{", "}", "[", "]", ",", ":", `"`, `"common_name"`, `"email"`, `"idp_uid"`, "null", "NaN", "-Infinity", "1e999", "true", `\`, `\u0000`,
		`\ud800`, "\x00", "\xff", "\ufeff", " ", "\n", `"a@b.example"`, "李", strings.Repeat("[", 300), strings.Repeat("9", 400), `{"common_name":`, `{"idp_uid":"x"}`,
		`"title"`, `"description"`, `"edi-token"`, `"pasta-token"`, `"key"`, `"alice"`, `{"title":"x","description":`, `{"edi-token":`, `{"key":`,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		for _, x := range []struct{ method, target string }{
			{"POST", collection},
			{"PUT", collection + "/" + aliceID},
			{"POST", "/auth/v1/group"},
			{"PUT", "/auth/v1/group/" + skelID},
			{"POST", "/auth/v1/token/refresh"},
			{"POST", "/auth/v1/token/" + aliceID},
		} {
			got := call(h, x.method, x.target, b.String(), as("alice"))
			if got.Code != 200 && got.Code != 400 && (got.Code != 401 && got.Code != 403 || !strings.Contains(x.target, "/token/")) {
				t.Fatalf("%s %q: %d %s", x.method, b.String(), got.Code, got.Body)
			}
			if !json.Valid(got.Body.Bytes()) {
				t.Fatalf("%s %q: %s is not JSON", x.method, b.String(), got.Body)
			}
		}
	}
	deep := strings.Repeat("[", 20_000)
	if got := call(h, "POST", collection, deep, as("alice")); got.Code != http.StatusBadRequest {
		t.Errorf("20,000 deep: %d", got.Code)
	}
}
