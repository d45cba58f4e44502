package partner

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/usher-id/usher/internal/session"
	"github.com/usher-id/usher/internal/user"
)

// userCtx is what an x-user-ctx header says.
type userCtx struct {
	id          string
	accessToken string
}

func (c userCtx) system() bool { return c.id == system }

// maxContext is the longest header that is read.
const maxContext = 4 << 10

// parseContext reads raw JSON, or base64 of it in either alphabet, padded or
// not. Two shapes are known: {"id","user"} with the same text in both, or
// without user; and what user-context answers, with an object in user.
// Whatever contradicts itself is no context.
func parseContext(header string) (userCtx, bool) {
	header = strings.TrimSpace(header)
	if header == "" || len(header) > maxContext {
		return userCtx{}, false
	}
	raw := []byte(header)
	if header[0] != '{' {
		var ok bool
		if raw, ok = decodeBase64(header); !ok {
			return userCtx{}, false
		}
	}
	m, err := parseObject(raw)
	if err != nil {
		return userCtx{}, false
	}
	f := fields{members: m}
	c := userCtx{id: f.required("id", maxID)}
	if named, ok := f.userOf(); ok && named != c.id {
		return userCtx{}, false
	}
	if _, sent := m["authorization"]; sent {
		inner := f.object("authorization")
		c.accessToken = inner.required("accessToken", maxBearer)
		f.problems = append(f.problems, inner.problems...)
	}
	if len(f.problems) > 0 || c.system() && c.accessToken != "" {
		return userCtx{}, false
	}
	return c, true
}

// userOf gives the id that the member user names, which is a text or an object
// with an id; false when it is not there.
func (f *fields) userOf() (string, bool) {
	raw, sent := f.members["user"]
	if !sent {
		return "", false
	}
	if raw[0] != '{' {
		return f.required("user", maxID), true
	}
	inner := f.object("user")
	id := inner.required("id", maxID)
	f.problems = append(f.problems, inner.problems...)
	return id, true
}

func decodeBase64(s string) ([]byte, bool) {
	s = strings.TrimRight(s, "=")
	alphabet := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		alphabet = base64.RawURLEncoding
	}
	raw, err := alphabet.DecodeString(s)
	return raw, err == nil
}

// contextAnswer is the user context, as it is answered and as it comes back.
type contextAnswer struct {
	ID            string        `json:"id"`
	ClientID      string        `json:"clientId"`
	Authorization authorization `json:"authorization"`
	User          contextUser   `json:"user"`
}

type authorization struct {
	AccessToken string `json:"accessToken"`
}

type contextUser struct {
	ID          string   `json:"id"`
	Username    *string  `json:"username"`
	FirstName   *string  `json:"firstName"`
	LastName    *string  `json:"lastName"`
	Locale      *string  `json:"locale"`
	Roles       []string `json:"roles"`
	PhoneNumber *string  `json:"phoneNumber"`
	Avatar      *string  `json:"avatar"`
}

// userContext turns an access token into the context of its user (contract
// partner.md, "Who may call").
func (d *Door) userContext(w http.ResponseWriter, r *http.Request) {
	if !d.hasSecret(r) {
		d.refuse(w, r, administering, user.Refuse(user.Unauthenticated, ""))
		return
	}
	m, err := readObject(w, r)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	f := fields{members: m}
	token := f.required("accessToken", maxBearer)
	if len(f.problems) > 0 {
		d.write(w, http.StatusBadRequest, problem(http.StatusBadRequest, f.problems))
		return
	}
	live, err := d.Sessions.Access(r.Context(), token)
	if err == nil && live.Session.Door != user.DoorPartner {
		err = user.Refuse(user.Unauthenticated, "")
	}
	if err != nil {
		d.refuse(w, r, administering, unauthenticated(err))
		return
	}
	facts, err := d.factsOf(r, live)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	id := live.Session.Subject
	answer := contextAnswer{
		ID: id, ClientID: live.Session.Client, Authorization: authorization{token},
		User: contextUser{
			ID: id, Username: facts(user.PreferredName), FirstName: facts(user.GivenName), LastName: facts(user.FamilyName),
			Locale: facts(user.Locale), Roles: user.List(facts(user.Roles)), PhoneNumber: facts(user.PhoneNumber), Avatar: facts(user.Picture),
		},
	}
	if r.URL.Query().Get("format") == "json" {
		d.write(w, http.StatusOK, answer)
		return
	}
	raw, err := encode(answer)
	if err != nil {
		d.refuse(w, r, administering, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(base64.StdEncoding.EncodeToString(raw)))
}

// factsOf gives what the partner says of a signed-in user, else, of somebody
// this partner never brought, what counts.
func (d *Door) factsOf(r *http.Request, live session.Live) (func(user.Attr) *string, error) {
	rec, err := d.Feed.Read(r.Context(), source, live.Session.Subject)
	if err == nil {
		return rec.Strand.Document.Get, nil
	}
	if _, refused := errors.AsType[*user.Refusal](err); refused {
		return live.User.Profile.Get, nil
	}
	return nil, err
}
