package keycloak_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/effect/keycloak"
)

func TestWhatHappened(t *testing.T) {
	f := newFake(t)
	f.on("GET "+realmPath+"/events", says(200, `[
		{"time":1000,"type":"LOGOUT","userId":"ada","sessionId":"s1"},
		{"time":3000,"type":"UPDATE_PROFILE","userId":"eve","sessionId":"s2"},
		{"time":3500,"type":"USER_DISABLED_BY_PERMANENT_LOCKOUT","userId":"bob"},
		{"time":"odd"},
		{"time":4000,"type":"LOGOUT"}]`))
	f.on("GET "+realmPath+"/admin-events", says(200, `[
		{"time":500,"resourceType":"USER","operationType":"UPDATE","resourcePath":"users/ada"},
		{"time":2000,"resourceType":"USER","operationType":"ACTION","resourcePath":"users/ada/logout"},
		{"time":2500,"resourceType":"USER_SESSION","operationType":"DELETE","resourcePath":"sessions/s3"},
		{"time":3000,"resourceType":"GROUP_MEMBERSHIP","operationType":"CREATE","resourcePath":"users/ada/groups/g"},
		{"time":3100,"resourceType":"CLIENT_ROLE_MAPPING","operationType":"CREATE","resourcePath":"groups/g/role-mappings/clients/c"},
		{"time":6000,"resourceType":"USER","operationType":"DELETE","resourcePath":"users/eve"}]`))
	got, err := f.admin(t).Changes(t.Context(), time.UnixMilli(400))
	at := func(ms int64, subject, session string, out bool) keycloak.Change {
		return keycloak.Change{At: time.UnixMilli(ms), Subject: subject, Session: session, LoggedOut: out}
	}
	want := []keycloak.Change{
		at(500, "ada", "", false), at(1000, "ada", "s1", true), at(2000, "ada", "", true), at(2500, "", "s3", true),
		at(3000, "eve", "s2", false), at(3000, "ada", "", false), at(3500, "bob", "", false), at(6000, "eve", "", false),
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\n got %v\nwant %v", err, got, want)
	}
	for _, c := range f.calls[1:] {
		if !strings.Contains(c, "dateFrom=400&direction=asc&first=0&max=") {
			t.Errorf("asked %s", c)
		}
	}
}

// events answers as the realm does, with events of these times.
func events(one string, times ...int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.ParseInt(r.FormValue("dateFrom"), 10, 64)
		first, _ := strconv.Atoi(r.FormValue("first"))
		most, _ := strconv.Atoi(r.FormValue("max"))
		start, _ := slices.BinarySearch(times, from)
		page := times[min(start+first, len(times)):min(start+first+most, len(times))]
		some := make([]string, len(page))
		for i, at := range page {
			some[i] = fmt.Sprintf(one, at)
		}
		says(200, "["+strings.Join(some, ",")+"]")(w, r)
	}
}

// Given more than is read at once, when it is read on from where it ended, then
// nothing is left out, of either list.
func TestMoreThanIsReadAtOnce(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	var logouts []int64
	for n := range int64(25_000) {
		logouts = append(logouts, 1000+n)
	}
	f.on("GET "+realmPath+"/events", events(`{"time":%d,"type":"LOGOUT","userId":"ada","sessionId":"s"}`, logouts...))
	f.on("GET "+realmPath+"/admin-events", events(`{"time":%d,"resourcePath":"users/eve"}`, 1500, 24_500, 90_000))
	seen := map[keycloak.Change]bool{}
	from, reads := time.UnixMilli(0), 0
	for ; ; reads++ {
		some, err := a.Changes(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range some {
			seen[c] = true
		}
		last := some[len(some)-1].At
		if last.Equal(from) {
			break
		}
		from = last
	}
	if len(seen) != 25_003 || reads > 5 {
		t.Errorf("%d changes in %d reads, want 25003", len(seen), reads)
	}
	if n := f.asked("GET /events"); n > 200 {
		t.Errorf("%d pages were asked for", n)
	}
}

// Given that one of the lists cannot be read, then nothing is said: what comes after
// the last change would be taken for known.
func TestHalfOfWhatHappened(t *testing.T) {
	f := newFake(t)
	a := f.admin(t)
	f.on("GET "+realmPath+"/events", events(`{"time":%d,"type":"LOGOUT","userId":"ada"}`, 1000))
	f.on("GET "+realmPath+"/admin-events", says(500, ``))
	if got, err := a.Changes(t.Context(), time.UnixMilli(0)); !errors.Is(err, keycloak.ErrBusy) || got != nil {
		t.Errorf("%v %v", got, err)
	}
}
