package edi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// groupRoutes are all that ask the groups, with a body that is good.
var groupRoutes = []struct{ method, target, body, name string }{
	{"POST", "/auth/v1/group", `{"title":"x","description":null}`, "createGroup"},
	{"GET", "/auth/v1/group/g", "", "readGroup"},
	{"PUT", "/auth/v1/group/g", `{"title":"x"}`, "updateGroup"},
	{"DELETE", "/auth/v1/group/g", "", "deleteGroup"},
	{"POST", "/auth/v1/group/g/p", "", "addGroupMember"},
	{"DELETE", "/auth/v1/group/g/p", "", "removeGroupMember"},
}

func TestWhatGroupsRefuseHasAnAnswer(t *testing.T) {
	for _, x := range groupRoutes {
		for _, code := range user.Codes() {
			for _, field := range []string{"", "group", "profile"} {
				w := newWorld()
				w.refusal = user.Refuse(code, field, "why", "must be otherwise")
				got := call(w.handler(t), x.method, x.target, x.body, as("bob"))
				var said struct{ Msg, Method string }
				if err := json.Unmarshal(got.Body.Bytes(), &said); err != nil || said.Msg == "" || said.Method != x.name {
					t.Errorf("%s, %s: %d %s", x.name, code, got.Code, got.Body)
				}
				if got.Code < 400 || got.Code >= 500 && code != user.Busy {
					t.Errorf("%s, %s: status %d", x.name, code, got.Code)
				}
			}
		}
	}
}

func TestAFaultOfGroupsIsNeverTheCallersFault(t *testing.T) {
	for _, fault := range []error{fmt.Errorf("reading: %w", store.ErrUnavailable), errors.New("disk on fire")} {
		for _, x := range append(groupRoutes, struct{ method, target, body, name string }{"DELETE", collection + "/" + bobID, "", "deleteProfile"}) {
			w := newWorld()
			w.refusal = fault
			got := call(w.handler(t), x.method, x.target, x.body, as("bob"))
			if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || strings.Contains(got.Body.String(), "fire") {
				t.Errorf("%s: %d %s", x.name, got.Code, got.Body)
			}
			if len(w.deleted) > 0 {
				t.Errorf("%s: a profile was deleted whose groups could not be", x.name)
			}
		}
	}
}

func TestGroupsAreNobodysFromAForeignPage(t *testing.T) {
	for _, x := range groupRoutes {
		if x.method == "GET" {
			continue
		}
		got := call(newWorld().handler(t), x.method, x.target, x.body, as("bob"), "Origin: https://evil.example")
		if got.Code != 403 || got.Body.String() != says(x.name, "Access denied: Cross-site requests are not accepted") {
			t.Errorf("%s: %d %s", x.name, got.Code, got.Body)
		}
		got = call(newWorld().handler(t), x.method, x.target, x.body, as("bob"), "Accept: text/html")
		if got.Code != 400 {
			t.Errorf("%s, asking for HTML: %d %s", x.name, got.Code, got.Body)
		}
	}
}
