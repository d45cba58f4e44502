package edi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const group = "/auth/v1/group"

// who may do what with a group: its owner and operators all, its members read,
// others nothing; and every refusal leaves the group as it was.
func TestGroups(t *testing.T) {
	inTown(t, func(w town) {
		owner, member, other := w.person("Olga Owner", "olga@example.org"), w.person("Mia Member", "mia@example.org"), w.person("Otto Other", "otto@example.org")
		vetted, operator := w.person("Vera Vetted", "vera@example.org", "Vetted"), w.person("Root", "root@example.org", "operator")
		nobody := person{}

		made := w.asks(owner, "POST", group, `{"title":"Birds <of> Sweden","description":null}`)
		w.is("create", made, 200, `"msg":"Group created successfully"`)
		id, _ := made.body["group_edi_id"].(string)
		at, in := group+"/"+id, group+"/"+id+"/"+member.edi
		w.is("add", w.asks(owner, "POST", in, ""), 200, "Group membership added successfully")
		w.is("add again", w.asks(owner, "POST", in, "{}"), 200, "User profile is already a member of the group")
		whole := fmt.Sprintf(`{"msg":"Group retrieved successfully","group_edi_id":"%s","title":"Birds <of> Sweden","description":null,"members":["%s"],"method":"readGroup"}`, id, member.edi)

		const write = "Access denied: Must have 'write' permission to "
		for _, c := range []struct {
			method, path, body, name string
			read                     bool
			denied                   string
		}{
			{"GET", at, "", "readGroup", true, "Access denied: Must have 'read' permission to read group"},
			{"PUT", at, `{"title":"Taken"}`, "updateGroup", false, write + "update group"},
			{"DELETE", at, "", "deleteGroup", false, write + "delete group"},
			{"POST", group + "/" + id + "/" + other.edi, "", "addGroupMember", false, write + "add members to group"},
			{"DELETE", in, "", "removeGroupMember", false, write + "remove members from group"},
		} {
			w.is(c.method+" as nobody", w.asks(nobody, c.method, c.path, c.body), 401,
				`{"msg":"Unauthorized: Authentication token is missing or invalid","method":"`+c.name+`"}`)
			refusal := fmt.Sprintf(`{"msg":"%s","group":"%s","method":"%s"}`, c.denied, id, c.name)
			w.is(c.method+" as another", w.asks(other, c.method, c.path, c.body), 403, refusal)
			w.is(c.method+" as somebody vetted", w.asks(vetted, c.method, c.path, c.body), 403, refusal)
			if c.read {
				w.is(c.method+" as a member", w.asks(member, c.method, c.path, c.body), 200, whole)
				w.is(c.method+" as an operator", w.asks(operator, c.method, c.path, c.body), 200, whole)
			} else {
				w.is(c.method+" as a member", w.asks(member, c.method, c.path, c.body), 403, refusal)
			}
			w.is("the group then", w.asks(owner, "GET", at, ""), 200, whole)
			w.is(c.method+" of no group", w.asks(owner, c.method, strings.Replace(c.path, id, "EDI-none", 1), c.body), 404,
				`{"msg":"Not found: Group does not exist","group":"EDI-none","method":"`+c.name+`"}`)
			w.is(c.method+" of a name that no database takes", w.asks(owner, c.method, strings.Replace(c.path, id, "a%00b", 1), c.body), 404, "Group does not exist")
		}
		for _, method := range []string{"POST", "DELETE"} {
			for sent, echoed := range map[string]string{"EDI-none": "EDI-none", "a%00b": `a\u0000b`, strings.Repeat("x", 300): strings.Repeat("x", 300)} {
				w.is(method+" of no profile", w.asks(owner, method, at+"/"+sent, ""), 404, `"msg":"Not found: Profile does not exist","profile":"`+echoed+`"`)
			}
		}
		w.is("remove one who is not in it", w.asks(owner, "DELETE", at+"/"+other.edi, ""), 404,
			fmt.Sprintf(`{"msg":"Not found: User profile is not a member of the group","group":"%s","profile":"%s","method":"removeGroupMember"}`, id, other.edi))

		long := strings.Repeat("é", 129)
		for body, why := range map[string]string{
			``:                                     "Invalid JSON in request body",
			`[]`:                                   "Invalid JSON in request body",
			`{oops`:                                "Invalid JSON in request body",
			`{"title":null,"description":""}`:      "must be a string: 'title'",
			`{"title":7,"description":""}`:         "must be a string: 'title'",
			`{"title":"","description":""}`:        "is empty: 'title'",
			`{"title":" \t","description":""}`:     "is empty: 'title'",
			`{"title":"a\u0000","description":""}`: "cannot be stored: 'title'",
			`{"title":"x","description":{}}`:       "must be a string: 'description'",
			`{"title":"x","description":"` + long + `"}`:      "longer than 128 characters: 'description'",
			`{"title":"` + long[:130] + `","description":""}`: "longer than 64 characters: 'title'",
		} {
			w.is("create "+body, w.asks(owner, "POST", group, body), 400, why)
			w.is("update "+body, w.asks(owner, "PUT", at, body), 400, why)
		}
		w.is("create without a title", w.asks(owner, "POST", group, `{"description":""}`), 400, "Missing field in JSON in request body: 'title'")
		w.is("create without a description", w.asks(owner, "POST", group, `{"title":"x"}`), 400, "Missing field in JSON in request body: 'description'")
		w.is("after all of it", w.asks(owner, "GET", at, ""), 200, whole)
		if n := strings.Count(w.CLI("group", "list"), " edi "); n != 1 {
			w.Errorf("%d groups were made", n)
		}

		w.is("update nothing", w.asks(owner, "PUT", at, "{}"), 200, `{"msg":"Group updated successfully","group":"`+id+`","method":"updateGroup"}`)
		w.is("update", w.asks(owner, "PUT", at, `{"description":"All of them","members":[]}`), 200, `"description":"All of them"`)
		w.is("update as an operator", w.asks(operator, "PUT", at, `{"title":"Birds"}`), 200, `"title":"Birds"`)
		xml := w.send(owner, "GET", at, "", http.Header{"Accept": {"application/xml"}})
		w.is("in XML", xml, 200, "  <title>Birds</title>\n  <description>All of them</description>\n  <members>\n    <member>"+member.edi+"</member>\n  </members>\n")
		w.is("remove", w.asks(operator, "DELETE", in, ""), 200, "Group membership removed successfully")
		w.is("read as one who was a member", w.asks(member, "GET", at, ""), 403, "'read' permission")
		foreign := w.send(owner, "DELETE", at, "", http.Header{"Sec-Fetch-Site": {"cross-site"}})
		w.is("delete from a foreign page", foreign, 403, "Cross-site requests are not accepted")
		w.is("delete", w.asks(owner, "DELETE", at, "{oops"), 200, `{"msg":"Group deleted successfully","group":"`+id+`","method":"deleteGroup"}`)
		w.is("delete again", w.asks(owner, "DELETE", at, ""), 404, "Group does not exist")
	})
}

// Whom an operator puts into Vetted at the door may reserve profiles from then
// on, and no longer than that.
func TestVetted(t *testing.T) {
	inTown(t, func(w town) {
		const vetted = group + "/EDI-bdae74972ed710c56b1e0df18ccb6e23c31f60f6"
		ann, root := w.person("Ann", "ann@example.org"), w.person("Root", "root@example.org", "operator")
		create := func() answer {
			return w.asks(ann, "POST", "/auth/v1/profile", `{"idp_uid":"uid=x,o=EDI,dc=edirepository,dc=org"}`)
		}
		w.is("before", create(), 403, "Vetted")
		w.is("by herself", w.asks(ann, "POST", vetted+"/"+ann.edi, ""), 403, "'write' permission")
		w.is("by an operator", w.asks(root, "POST", vetted+"/"+ann.edi, ""), 200, "added")
		w.is("then", create(), 200, "A new profile was created")
		w.is("the list", w.asks(root, "GET", vetted, ""), 200, `"title":"Vetted","description":null,"members":["`+ann.edi+`"]`)
		w.is("rename", w.asks(root, "PUT", vetted, `{"title":"x"}`), 403, "'write' permission")
		w.is("remove the group", w.asks(root, "DELETE", vetted, ""), 403, "'write' permission")
		w.is("out again", w.asks(root, "DELETE", vetted+"/"+ann.edi, ""), 200, "removed")
		w.is("after", create(), 403, "Vetted")
	})
}

// Search finds at both paths what other requests wrote, to those who are signed
// in, and nothing of those who left.
func TestSearch(t *testing.T) {
	inTown(t, func(w town) {
		ada, bob := w.person("Ada King Lovelace", "ada@example.org"), w.person("Bob", "bob@example.org")
		profile := fmt.Sprintf(`{"edi_id":"%s","common_name":"Ada King Lovelace","email":"ada@example.org","avatar_url":"`, ada.edi)
		for _, path := range []string{"/auth/v1/search", "/auth/v1/profile"} {
			search := func(p person, s string) answer { return w.asks(p, "GET", path+"?s="+url.QueryEscape(s), "") }
			w.is("as nobody", search(person{}, "ada"), 401, "searchPrincipals")
			for _, s := range []string{"ADA", "king lo", "ada@", ada.edi, ada.edi[4:]} {
				w.is(s, search(bob, s), 200, `"profiles":[`+profile)
			}
			for _, s := range []string{"lovelace", "%%%", "___", "ada\x00", "ada\xff", "' OR 1=1 --", `{"$gt":""}`} {
				w.is(s, search(bob, s), 200, `"profiles":[],"groups":[]`)
			}
			w.is("two letters", search(bob, "ad"), 400, "Invalid URL: Search string must be at least 3 characters")
		}
		w.is("a new name", w.asks(ada, "PUT", "/auth/v1/profile/"+ada.edi, `{"common_name":"Countess","email":"c@example.net"}`), 200, "Countess")
		w.is("found by it", w.asks(bob, "GET", "/auth/v1/search?s=count", ""), 200, `"email":"c@example.net"`)
		w.is("not by the old one", w.asks(bob, "GET", "/auth/v1/search?s=ada", ""), 200, `"profiles":[]`)

		made := w.asks(ada, "POST", group, `{"title":"Analysts","description":"of engines"}`)
		w.is("a group", w.asks(bob, "GET", "/auth/v1/search?s=analy", ""), 200,
			fmt.Sprintf(`"profiles":[],"groups":[{"edi_id":"%s","name":"Analysts","description":"of engines","avatar_url":"%s/auth/ui/api/avatar/gen/A"}]`, made.body["group_edi_id"], w.Public))
		w.is("profiles only", w.asks(bob, "GET", "/auth/v1/search?s=analy&groups=false", ""), 200, `"groups":[]`)
		for i := range 7 {
			w.asks(ada, "POST", group, fmt.Sprintf(`{"title":"Many %d","description":""}`, i))
		}
		if n := strings.Count(w.asks(bob, "GET", "/auth/v1/search?s=many", "").Text, `"edi_id"`); n != 5 {
			w.Errorf("%d results", n)
		}

		w.is("leave", w.asks(ada, "DELETE", "/auth/v1/profile/"+ada.edi, ""), 200, "deleted")
		for _, s := range []string{"count", "c@example", ada.edi, "analy", "many"} {
			w.is("of her who left, "+s, w.asks(bob, "GET", "/auth/v1/search?s="+s, ""), 200, `"profiles":[],"groups":[]`)
		}
	})
}
