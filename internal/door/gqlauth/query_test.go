package gqlauth_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/door/gqlauth"
	"github.com/usher-id/usher/internal/user"
)

func id(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestMe(t *testing.T) {
	newWorld().post(t, "lisa@x.org", "{me{id pk lastLogin isStaff isActive dateJoined email username firstName lastName isRepresentative archived verified secondaryEmail workingGroup{id} workinggroup{id}}}", nil).
		says(t, 200, `{"data":{"me":{"id":"VXNlck5vZGU6MQ==","pk":1,"lastLogin":null,"isStaff":false,"isActive":true,"dateJoined":"2026-11-22T04:51:55.513843+00:00","email":"lisa@x.org","username":"lisalou","firstName":"Louise","lastName":"","isRepresentative":true,"archived":false,"verified":true,"secondaryEmail":"lisa2@x.org","workingGroup":null,"workinggroup":{"id":"g1"}}}}`)
	ended := newWorld()
	ended.users = ended.users[1:] // JWT still knows lisa's session
	ended.post(t, "lisa@x.org", "{me{email}}", nil).says(t, 200, meNull)
}

func TestAuthorization(t *testing.T) {
	me := `{"data":{"me":{"username":"lisalou"}}}`
	anonymous := meNull
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"as published":         {[]string{"Authorization", "JWT lisa@x.org"}, me},
		"in another case":      {[]string{"Authorization", "jWt lisa@x.org"}, me},
		"other white space":    {[]string{"Authorization", " JWT \t lisa@x.org "}, me},
		"bearer":               {[]string{"Authorization", "Bearer lisa@x.org"}, anonymous},
		"no prefix":            {[]string{"Authorization", "lisa@x.org"}, anonymous},
		"prefix only":          {[]string{"Authorization", "JWT"}, anonymous},
		"three parts":          {[]string{"Authorization", "JWT lisa@x.org x"}, anonymous},
		"empty":                {[]string{"Authorization", ""}, anonymous},
		"garbage":              {[]string{"Authorization", "JWT garbage"}, anonymous},
		"cookie":               {[]string{"Cookie", "JWT=lisa@x.org"}, me},
		"cookie after bearer":  {[]string{"Authorization", "Bearer x", "Cookie", "JWT=lisa@x.org"}, me},
		"cookie after empty":   {[]string{"Authorization", "", "Cookie", "JWT=lisa@x.org"}, me},
		"no cookie after dead": {[]string{"Authorization", "JWT garbage", "Cookie", "JWT=lisa@x.org"}, anonymous},
		"another cookie":       {[]string{"Cookie", "jwt=lisa@x.org"}, anonymous},
		"two cookies":          {[]string{"Cookie", "JWT=lisa@x.org; JWT=ada@x.org"}, anonymous},
		"empty cookie":         {[]string{"Cookie", "JWT="}, anonymous},
	} {
		t.Run(name, func(t *testing.T) {
			newWorld().send(t, post, "/graphql", "application/graphql", "{me{username}}", c.headers...).says(t, 200, c.want)
		})
	}
}

func TestUserByID(t *testing.T) {
	for name, c := range map[string]struct{ id, want string }{
		"known":        {id("UserNode:2"), `{"username":"ada"}`},
		"unknown":      {id("UserNode:99999"), "null"},
		"another type": {id("WorkingGroup:1"), "null"},
		"no base64":    {"%%%", "null"},
		"a pk":         {"2", "null"},
		"empty":        {"", "null"},
		"negative":     {id("UserNode:-2"), "null"},
		"zeros":        {id("UserNode:02"), "null"},
		"too large":    {id("UserNode:99999999999"), "null"},
	} {
		t.Run(name, func(t *testing.T) {
			newWorld().post(t, "", "query($i:ID!){user(id:$i){username}}", map[string]any{"i": c.id}).
				says(t, 200, `{"data":{"user":`+c.want+`}}`)
		})
	}
	newWorld().post(t, "", "{user(id:2){username}}", nil).says(t, 200, `{"data":{"user":null}}`)
}

func TestWhoMayAskForUsers(t *testing.T) {
	const list = "{users{edges{node{username email secondaryEmail}}}}"
	one := `{user(id:"` + id("UserNode:1") + `"){username email}}`
	const refused = "You do not have permission to perform this action"
	for name, c := range map[string]struct {
		policy gqlauth.UsersQuery
		as     string
		list   []string // e-mail and secondary of each, or nil if refused
	}{
		"public, nobody":        {gqlauth.UsersPublic, "", []string{"lisa@x.org", "null", "ada@x.org", "null", "root@x.org", "null"}},
		"authenticated, nobody": {gqlauth.UsersAuthenticated, "", nil},
		"authenticated":         {gqlauth.UsersAuthenticated, "lisa@x.org", []string{"lisa@x.org", `"lisa2@x.org"`, "", "null", "", "null"}},
		"authenticated, staff":  {gqlauth.UsersAuthenticated, "root@x.org", []string{"lisa@x.org", `"lisa2@x.org"`, "ada@x.org", "null", "root@x.org", "null"}},
		"staff, somebody":       {gqlauth.UsersStaff, "lisa@x.org", nil},
		"staff":                 {gqlauth.UsersStaff, "root@x.org", []string{"lisa@x.org", `"lisa2@x.org"`, "ada@x.org", "null", "root@x.org", "null"}},
		"a policy unheard of":   {"everybody", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy = c.policy
			got, single := w.post(t, c.as, list, nil), w.post(t, c.as, one, nil)
			if c.list == nil {
				got.holds(t, 200, refused)
				single.holds(t, 200, refused)
				return
			}
			var edges []string
			for i, name := range []string{"lisalou", "ada", "root"} {
				edges = append(edges, fmt.Sprintf(`{"node":{"username":%q,"email":%q,"secondaryEmail":%s}}`, name, c.list[2*i], c.list[2*i+1]))
			}
			got.says(t, 200, `{"data":{"users":{"edges":[`+strings.Join(edges, ",")+`]}}}`)
			single.says(t, 200, fmt.Sprintf(`{"data":{"user":{"username":"lisalou","email":%q}}}`, c.list[0]))
		})
	}
}

// A filter by a hidden address would tell whose it is.
func TestFiltersByAddress(t *testing.T) {
	for name, c := range map[string]struct {
		policy gqlauth.UsersQuery
		as     string
		filter string
		pk     int32 // searched only, 0 for everybody
	}{
		"shown":               {gqlauth.UsersPublic, "", `email:"a"`, 0},
		"hidden":              {gqlauth.UsersAuthenticated, "ada@x.org", `email:"a"`, 2},
		"staff":               {gqlauth.UsersAuthenticated, "root@x.org", `email:"a",status_SecondaryEmail:"b"`, 0},
		"secondary":           {gqlauth.UsersPublic, "ada@x.org", `status_SecondaryEmail:"b"`, 2},
		"by other things":     {gqlauth.UsersAuthenticated, "ada@x.org", `username:"a",status_Verified:true`, 0},
		"secondary, nobody's": {gqlauth.UsersPublic, "", `status_SecondaryEmail:"b"`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy = c.policy
			w.post(t, c.as, "{users("+c.filter+"){edges{cursor}}}", nil)
			switch {
			case c.pk == 0 && w.filter.PK != nil, c.pk > 0 && (w.filter.PK == nil || *w.filter.PK != c.pk), c.pk < 0 && (w.filter.PK == nil || *w.filter.PK != 0):
				t.Errorf("searched %v", w.filter.PK)
			}
		})
	}
	w := newWorld()
	w.post(t, "", `{users(username_Icontains:"LISA",username_Istartswith:"l",isActive:true,status_Archived:false){edges{cursor}}}`, nil)
	f := w.filter
	if *f.UsernameContains != "LISA" || *f.UsernameStarts != "l" || !*f.IsActive || *f.IsArchived || f.IsVerified != nil || f.Email != nil {
		t.Errorf("got %+v", f)
	}
}

func TestPages(t *testing.T) {
	newWorld().post(t, "", `{users(first:1,offset:1){pageInfo{hasNextPage hasPreviousPage startCursor endCursor} edges{cursor node{pk}}}}`, nil).
		says(t, 200, `{"data":{"users":{"pageInfo":{"hasNextPage":true,"hasPreviousPage":false,"startCursor":"YXJyYXljb25uZWN0aW9uOjE=","endCursor":"YXJyYXljb25uZWN0aW9uOjE="},"edges":[{"cursor":"YXJyYXljb25uZWN0aW9uOjE=","node":{"pk":2}}]}}}`)
	newWorld().post(t, "", `{users(first:0){pageInfo{hasNextPage startCursor endCursor} edges{cursor}}}`, nil).
		says(t, 200, `{"data":{"users":{"pageInfo":{"hasNextPage":true,"startCursor":null,"endCursor":null},"edges":[]}}}`)
	newWorld().post(t, "", `{ users(first:101){edges{cursor}} }`, nil).
		says(t, 200, "{\"errors\":[{\"message\":\"Requesting 101 records on the `users` connection exceeds the `first` limit of 100 records.\",\"locations\":[{\"line\":1,\"column\":3}],\"path\":[\"users\"]}],\"data\":{\"users\":null}}")
}

// Two users with groups cost as many calls as two hundred.
func TestNoQueryForEachParent(t *testing.T) {
	const query = `{users{edges{node{
		workingGroup{ representative{username workinggroup{id}} institution{workinggroupSet{customuserSet{username}}} field{workinggroupSet{id}} customuserSet{email} }
		workinggroup{id}
	}}}}`
	calls := func(n int) []string {
		w := newWorld()
		for i := range n {
			w.users = append(w.users, gqlauth.User{PK: int32(i + 10), Username: "u", Email: "u@x.org", Joined: joined, Group: []string{"g1", "g2"}[i%2]})
		}
		w.post(t, "lisa@x.org", query, nil).holds(t, 200, `"workinggroupSet":[{"customuserSet"`)
		return w.calls
	}
	few, many := calls(2), calls(20)
	if !slices.Equal(few, many) {
		t.Errorf("%d calls for a few users, %d for many:\n%v\n%v", len(few), len(many), few, many)
	}
	want := []string{
		"JWT", "Users",
		"ByRef [g1 g2]", "UsersByPK [1]", "ByRef [g1]",
		"Members [g1 g2]", "AtInstitutions [1]", "Members [g1 g2]", "InFields [1]", "ByRef [g1]",
	}
	if !slices.Equal(few, want) {
		t.Errorf("calls\n%v, want\n%v", few, want)
	}
	w := newWorld()
	w.post(t, "lisa@x.org", "{me{username workingGroup{id} }}", nil)
	w.post(t, "", "{institutions{name} researchfields{field subfield}}", nil).
		says(t, 200, `{"data":{"institutions":[{"name":"Heidelberg University"}],"researchfields":[{"field":"Natural Sciences","subfield":"Mathematics"}]}}`)
	if slices.ContainsFunc(w.calls, func(c string) bool { return strings.HasPrefix(c, "ByRef") || strings.HasPrefix(c, "AtInst") }) {
		t.Errorf("sets were loaded that nobody asked for: %v", w.calls)
	}
}

func TestWhatIsReachedThroughSets(t *testing.T) {
	const query = `{institutions{workinggroupSet{id representative{username email} customuserSet{username email}}}}`
	all := func(lisa, ada string) string {
		return `{"data":{"institutions":[{"workinggroupSet":[{"id":"g1","representative":` + lisa + `,"customuserSet":` + ada + `},{"id":"g2","representative":null,"customuserSet":[]}]}]}}`
	}
	for name, c := range map[string]struct {
		policy gqlauth.UsersQuery
		as     string
		want   string
	}{
		"public: no addresses":  {gqlauth.UsersPublic, "", all(`{"username":"lisalou","email":""}`, `[{"username":"ada","email":""}]`)},
		"one's own":             {gqlauth.UsersAuthenticated, "ada@x.org", all(`{"username":"lisalou","email":""}`, `[{"username":"ada","email":"ada@x.org"}]`)},
		"staff":                 {gqlauth.UsersStaff, "root@x.org", all(`{"username":"lisalou","email":"lisa@x.org"}`, `[{"username":"ada","email":"ada@x.org"}]`)},
		"groups without people": {gqlauth.UsersStaff, "lisa@x.org", all(`{"username":"lisalou","email":"lisa@x.org"}`, `[]`)},
		"nothing for nobody":    {gqlauth.UsersAuthenticated, "", `{"data":{"institutions":[{"workinggroupSet":[]}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.policy = c.policy
			w.post(t, c.as, query, nil).says(t, 200, c.want)
		})
	}
}

func TestWorkinggroupsNeedSomebody(t *testing.T) {
	w := newWorld()
	w.post(t, "", "{ workinggroups { id name } }", nil).
		says(t, 200, `{"errors":[{"message":"You do not have permission to perform this action","locations":[{"line":1,"column":3}],"path":["workinggroups"]}],"data":{"workinggroups":null}}`)
	w.post(t, "ada@x.org", "{ workinggroups { id name } }", nil).
		says(t, 200, `{"data":{"workinggroups":[{"id":"g1","name":"GIScience"},{"id":"g2","name":"Other"}]}}`)
	w.groups = nil
	w.post(t, "ada@x.org", "{ workinggroups { id } }", nil).says(t, 200, `{"data":{"workinggroups":[]}}`)
}

// A set in a set in a set multiplies; the answer ends before it does.
func TestAnswersAreBounded(t *testing.T) {
	w := newWorld()
	for i := range 60 {
		w.users = append(w.users, gqlauth.User{PK: int32(i + 10), Username: "u", Joined: joined, Group: "g1"})
	}
	const tooLarge = `{"errors":[{"message":"The answer would be too large. Ask for less at a time."}]}`
	bomb := "{users{edges{node{workingGroup{customuserSet{workingGroup{customuserSet{workingGroup{customuserSet{pk}}}}}}}}}}"
	bomb = strings.ReplaceAll(bomb, "{pk}", "{username}")
	w.post(t, "lisa@x.org", bomb, nil).says(t, 400, tooLarge)
	// The store can say so first.
	w.refusal, w.fault = nil, user.Refuse(user.TooLarge, "")
	if got := w.post(t, "", "{institutions{name}}", nil); got.status != 400 || got.body != tooLarge {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	w := newWorld()
	w.post(t, "", "query Q {\n  ...F\n}\nfragment F on Query {\n  ... on Query {\n    mine: workinggroups { id }\n  }\n}", nil).
		says(t, 200, `{"errors":[{"message":"You do not have permission to perform this action","locations":[{"line":6,"column":5}],"path":["mine"]}],"data":{"mine":null}}`)
	w.post(t, "", "{\n  me {\n    email )\n  }\n}", nil).holds(t, 400, `"locations":[{"line":3,"column":11}]`)
	w.post(t, "", "{\n  me {\n    nope\n  }\n}", nil).holds(t, 400, `"locations":[{"line":3,"column":5}]`)
}
