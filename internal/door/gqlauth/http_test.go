package gqlauth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/user"
)

const (
	post = http.MethodPost
	get  = http.MethodGet
	form = "application/x-www-form-urlencoded"

	meNull = `{"data":{"me":null}}`
)

func TestWhatIsAsked(t *testing.T) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	m.WriteField("query", "query($e:Boolean!){me{email @skip(if:$e)}}")
	m.WriteField("variables", `{"e":true}`)
	m.WriteField("operationName", "null")
	m.Close()

	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		"both paths":                 {post, "/graphql", "application/json", `{"query":"{me{email}}"}`, 200, meNull},
		"with a slash":               {post, "/graphql/", "application/json", `{"query":"{me{email}}"}`, 200, meNull},
		"raw":                        {post, "/graphql", "application/graphql", `{me{email}}`, 200, meNull},
		"form":                       {post, "/graphql", form, "query=%7Bme%7Bemail%7D%7D", 200, meNull},
		"multipart":                  {post, "/graphql", m.FormDataContentType(), b.String(), 200, meNull},
		"broken multipart":           {post, "/graphql", "multipart/form-data; boundary=x", "--y", 400, "invalid form"},
		"multipart without boundary": {post, "/graphql", "multipart/form-data", "--y", 400, "invalid form"},
		"content type in capitals":   {post, "/graphql", "Application/JSON ;charset=utf-8", `{"query":"{me{email}}"}`, 200, meNull},
		"unknown type says nothing":  {post, "/graphql", "text/plain", `{"query":"{me{email}}"}`, 400, "Must provide query string."},
		"unknown type, query in URL": {post, "/graphql?query=%7Bme%7Bemail%7D%7D", "text/plain", "x", 200, meNull},
		"URL wins":                   {post, "/graphql?query=%7Bme%7Bemail%7D%7D", "application/json", `{"query":"{nope}"}`, 200, meNull},
		"empty in the URL does not":  {post, "/graphql?query=", "application/json", `{"query":"{me{email}}"}`, 200, meNull},
		"last of several":            {get, "/graphql?query=%7Bnope%7D&query=%7Bme%7Bemail%7D%7D", "", "", 200, meNull},
		"get ignores a body":         {get, "/graphql?query=%7Bme%7Bemail%7D%7D", "application/json", "", 200, meNull},
		"variables in a string":      {post, "/graphql", "application/json", `{"query":"query($s:Boolean!){me{email @skip(if:$s)}}","variables":"{\"s\":true}"}`, 200, meNull},
		"variables null":             {post, "/graphql", "application/json", `{"query":"{me{email}}","variables":null,"operationName":null,"id":null}`, 200, meNull},
		"variables empty":            {post, "/graphql", "application/json", `{"query":"{me{email}}","variables":""}`, 200, meNull},
		"variables the text null":    {post, "/graphql", "application/json", `{"query":"{me{email}}","variables":"null"}`, 200, meNull},
		"variables a list":           {post, "/graphql", "application/json", `{"query":"{me{email}}","variables":[1]}`, 400, "Variables are invalid JSON."},
		"variables broken":           {post, "/graphql", "application/json", `{"query":"{me{email}}","variables":"{"}`, 400, "Variables are invalid JSON."},
		"variables in the URL":       {get, "/graphql?query=%7Bme%7Bemail%7D%7D&variables=%7B", "", "", 400, "Variables are invalid JSON."},
		"query no string":            {post, "/graphql", "application/json", `{"query":["{me{email}}"]}`, 400, "Must provide query string."},
		"name no string":             {post, "/graphql", "application/json", `{"query":"{me{email}}","operationName":1}`, 400, "operationName"},
		"batch":                      {post, "/graphql", "application/json", `[{"query":"{me{email}}"}]`, 400, "The received data is not a valid JSON query."},
		"a number":                   {post, "/graphql", "application/json", `5`, 400, "The received data is not a valid JSON query."},
		"null":                       {post, "/graphql", "application/json", `null`, 400, "The received data is not a valid JSON query."},
		"no JSON":                    {post, "/graphql", "application/json", `{`, 400, "POST body sent invalid JSON."},
		"empty":                      {post, "/graphql", "application/json", ``, 400, "POST body sent invalid JSON."},
		"not UTF-8":                  {post, "/graphql", "application/graphql", "{me\xff}", 400, "Must provide query string."},
		"deep JSON":                  {post, "/graphql", "application/json", `{"query":"{me{email}}","variables":{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}}", 400, "POST body sent invalid JSON."},
		"two operations":             {post, "/graphql", "application/json", `{"query":"query A{me{email}} query B($x:ID!){user(id:$x){email}}","operationName":"A"}`, 200, meNull},
		"two operations, no name":    {post, "/graphql", "application/json", `{"query":"query A{me{email}} query B{me{email}}"}`, 400, "Must provide operation name if query contains multiple operations."},
		"unknown operation":          {post, "/graphql", "application/json", `{"query":"query A{me{email}}","operationName":"Z"}`, 400, `Unknown operation named \"Z\".`},
		"mutation by GET":            {get, "/graphql?query=mutation%7BrevokeToken(refreshToken:%22x%22)%7Bsuccess%7D%7D", "", "", 405, "Can only perform a mutation operation from a POST request."},
		"put":                        {http.MethodPut, "/graphql", "", "", 405, "GraphQL only supports GET and POST requests."},
		"options":                    {http.MethodOptions, "/graphql", "", "", 405, "GraphQL only supports GET and POST requests."},
		"another path":               {get, "/graphql/x", "", "", 404, "Not found."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			got := w.send(t, c.method, c.path, c.contentType, c.body)
			got.holds(t, c.status, c.want)
			var keys map[string]any
			if err := json.Unmarshal([]byte(got.body), &keys); err != nil {
				t.Fatal(err)
			}
			if _, data := keys["data"]; data && got.status != 200 {
				t.Errorf("an answer of %d has data: %s", got.status, got.body)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	got := newWorld().send(t, get, "/graphql?query=%7Bme%7Bemail%7D%7D", "", "")
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Vary": "Cookie", "X-Frame-Options": "DENY",
		"Cache-Control": "no-store", "Set-Cookie": "",
	} {
		if v := got.header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	if allow := newWorld().send(t, http.MethodPut, "/graphql", "", "").header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow: %q", allow)
	}
	mutation := "/graphql?query=" + url.QueryEscape(`mutation{revokeToken(refreshToken:"x"){success}}`)
	if allow := newWorld().send(t, get, mutation, "", "").header.Get("Allow"); allow != "POST" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestSpelling(t *testing.T) {
	w := newWorld()
	w.users[0].FirstName = "L<&>\u00fc\u2028\U0001f600\x7f\n\"\\"
	w.post(t, "lisa@x.org", "{me{firstName}}", nil).
		says(t, 200, `{"data":{"me":{"firstName":"L<&>\u00fc\u2028\ud83d\ude00\u007f\n\"\\"}}}`)
	newWorld().send(t, get, "/graphql?pretty=1&query=%7Bme%7Bemail%7D%7D", "", "").
		says(t, 200, "{\n  \"data\": {\n    \"me\": null\n  }\n}")
}

func TestStringsArriveAsTheyWereSent(t *testing.T) {
	w := newWorld()
	query := `mutation { updateAccount(firstName: "a\u00fc\ud83d\ude00\/\"\\u0041\n#\t", lastName: "") { success } }`
	w.post(t, "lisa@x.org", query, nil).says(t, 200, `{"data":{"updateAccount":{"success":true}}}`)
	if in := w.last.(gqlauth.Update); *in.FirstName != "a\u00fc\U0001f600/\"\\u0041\n#" || *in.LastName != "" {
		t.Errorf("got %q, %q", *in.FirstName, *in.LastName)
	}
}

func TestCrossSite(t *testing.T) {
	const mutation = `mutation{swapEmails(password:"right"){success}}`
	for name, c := range map[string]struct {
		contentType, body string
		headers           []string
		want              int
	}{
		"form of another site":         {form, "query=" + url.QueryEscape(mutation), []string{"Cookie", "JWT=lisa@x.org", "Sec-Fetch-Site", "cross-site"}, 403},
		"text of another site":         {"text/plain", mutation, []string{"Cookie", "JWT=lisa@x.org", "Sec-Fetch-Site", "cross-site"}, 403},
		"multipart of another site":    {"multipart/form-data; boundary=b", "--b--", []string{"Cookie", "JWT=lisa@x.org", "Sec-Fetch-Site", "same-site"}, 403},
		"old browser":                  {form, "query=" + url.QueryEscape(mutation), []string{"Cookie", "JWT=lisa@x.org", "Origin", "https://evil.example"}, 403},
		"another scheme for a header":  {"application/graphql", mutation, []string{"Authorization", "Bearer x", "Cookie", "JWT=lisa@x.org", "Origin", "https://evil.example"}, 403},
		"own page":                     {form, "query=" + url.QueryEscape(mutation), []string{"Cookie", "JWT=lisa@x.org", "Sec-Fetch-Site", "same-origin"}, 200},
		"own page behind a proxy":      {form, "query=" + url.QueryEscape(mutation), []string{"Cookie", "JWT=lisa@x.org", "Origin", "https://usher.example"}, 200},
		"no browser":                   {"application/graphql", mutation, []string{"Cookie", "JWT=lisa@x.org"}, 200},
		"the header is no browser's":   {"application/graphql", mutation, []string{"Authorization", "JWT lisa@x.org", "Cookie", "JWT=x", "Origin", "https://front.example"}, 200},
		"nobody is signed in by that":  {"application/graphql", mutation, []string{"Origin", "https://front.example"}, 200},
		"two cookies are of nobody's":  {"application/graphql", mutation, []string{"Cookie", "JWT=lisa@x.org; JWT=ada@x.org", "Origin", "https://evil.example"}, 200},
		"a foreign page reads nothing": {"application/graphql", "{me{email}}", []string{"Cookie", "JWT=lisa@x.org", "Sec-Fetch-Site", "cross-site"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			got := w.send(t, post, "/graphql", c.contentType, c.body, c.headers...)
			if got.status != c.want {
				t.Errorf("got %d %s, want %d", got.status, got.body, c.want)
			}
			if c.want == 403 && len(w.calls) > 0 {
				t.Errorf("the domain was asked: %v", w.calls)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	t.Run("the store is down", func(t *testing.T) {
		w := newWorld()
		w.fault = errors.New("secret of the store")
		got := w.post(t, "lisa@x.org", "{me{email}}", nil)
		got.says(t, 503, `{"errors":[{"message":"The service is unavailable. Try again later.","locations":[{"line":1,"column":2}],"path":["me"]}],"data":{"me":null}}`)
		if got.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
	t.Run("a form meets it", func(t *testing.T) {
		w := newWorld()
		w.fault = errors.New("secret of the store")
		w.post(t, "", `mutation{register(email:"a@b.co",username:"u",password1:"p",password2:"p"){success errors}}`, nil).
			holds(t, 503, `"data":{"register":null}`)
	})
	t.Run("a panic", func(t *testing.T) {
		w := newWorld()
		w.panics = true
		w.post(t, "lisa@x.org", `{ user(id:"VXNlck5vZGU6MQ==") { email } }`, nil).
			says(t, 200, `{"errors":[{"message":"Internal server error.","locations":[{"line":1,"column":3}],"path":["user"]}],"data":{"user":null}}`)
	})
	t.Run("a throttled network", func(t *testing.T) {
		w := newWorld()
		w.refusal = &user.Refusal{Code: user.Throttled, RetryAfter: 7}
		got := w.post(t, "", `mutation{tokenAuth(email:"a",password:"b"){success}}`, nil)
		got.holds(t, 429, "Too many requests")
		if got.header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
		}
	})
	t.Run("hashing is busy", func(t *testing.T) {
		w := newWorld()
		w.refusal = &user.Refusal{Code: user.Busy, RetryAfter: 3}
		got := w.post(t, "", `mutation{tokenAuth(email:"a",password:"b"){success}}`, nil)
		got.holds(t, 503, "unavailable")
		if got.header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After: %q", got.header.Get("Retry-After"))
		}
	})
	t.Run("the deadline", func(t *testing.T) {
		w := newWorld()
		w.wait, w.deadline = true, time.Millisecond
		got := w.post(t, "lisa@x.org", `{user(id:"VXNlck5vZGU6MQ=="){email}}`, nil)
		got.says(t, 503, `{"errors":[{"message":"The service is unavailable. Try again later."}]}`)
	})
}

func TestExplorer(t *testing.T) {
	w := newWorld()
	const accept = "text/html,application/xhtml+xml"
	if got := w.send(t, get, "/graphql", "", "", "Accept", accept); got.status != 400 || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("without the explorer: %d %s", got.status, got.body)
	}
	w.explorer = true
	got := w.send(t, get, "/graphql", "", "", "Accept", accept)
	got.holds(t, 200, "<form")
	if csp := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; form-action 'self'") {
		t.Errorf("policy: %q", csp)
	}
	for _, foreign := range []string{"<script", "http://", "https://", "style="} {
		if strings.Contains(got.body, foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
	w.send(t, get, "/graphql?query=%7Bme%7Bemail%7D%7D", "", "", "Accept", "application/json, text/html").says(t, 200, meNull)
	w.send(t, get, "/graphql?raw&query=%7Bme%7Bemail%7D%7D", "", "", "Accept", accept).says(t, 200, meNull)
}

func TestNewNeedsAPublicURL(t *testing.T) {
	for _, bad := range []string{"", "usher.example", "ftp://usher.example", "https://", "http://%"} {
		if _, err := gqlauth.New(gqlauth.Options{PublicURL: bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
