package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// doorstep makes the series of what else a stranger can put to the doors: no
// password is checked, nothing waits, and each answer must be as empty and as
// quick for somebody who is there as for somebody who is not.
func (e *enumeration) doorstep(ctx context.Context) ([]*series, error) {
	known, err := e.profile(ctx, "profile@example.org")
	if err != nil {
		return nil, err
	}
	refresh, err := e.refreshTokens(ctx)
	if err != nil {
		return nil, err
	}
	cookies, err := e.cookies(ctx)
	if err != nil {
		return nil, err
	}
	_, number, err := e.signer(ctx, "number")
	if err != nil {
		return nil, err
	}
	unknownProfile := "EDI-" + strings.Repeat("0", len(known.EDIID)-len("EDI-"))
	return []*series{
		refresh,
		cookies,
		eitherWay("An EDI profile's token, with a wrong key", known.EDIID, unknownProfile, func(id string) question {
			return question{method: http.MethodPost, path: "/auth/v1/token/" + id, body: `{"key":"wrong"}`, about: id}
		}),
		eitherWay("An EDI profile, without a token", known.EDIID, unknownProfile, func(id string) question {
			return question{method: http.MethodGet, path: "/auth/v1/profile/" + id, about: id}
		}),
		eitherWay("A partner's user, by nobody", number, "1"+number[1:], func(id string) question {
			return question{method: http.MethodGet, path: "/api/users/" + id}
		}),
		eitherWay("A sync, by nobody", "profile@example.org", "nowhere@example.org", func(email string) question {
			return question{method: http.MethodPut, path: "/api/users", body: fmt.Sprintf(`{"email":%q}`, email)}
		}),
	}, nil
}

// eitherWay asks the same about somebody unknown and somebody known.
func eitherWay(title, known, unknown string, ask func(whom string) question) *series {
	s := &series{title: title, askers: 1, within: within}
	s.add("unknown", always(ask(unknown)))
	s.add("known", always(ask(known)))
	return s
}

func always(q question) func(int) question { return func(int) question { return q } }

type minted struct {
	Token string `json:"token"`
	EDIID string `json:"edi_id"`
}

// profile makes a person who has been at the EDI door.
func (e *enumeration) profile(ctx context.Context, email string) (minted, error) {
	var m minted
	if _, err := e.command(ctx, "user", "create", "--verified", "--email", email, "--json"); err != nil {
		return m, err
	}
	out, err := e.command(ctx, "token", "mint", "--door", "edi", "--user", email, "--json")
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	return m, err
}

// cookies are EDI tokens that are good for nothing, sent in a body.
func (e *enumeration) cookies(ctx context.Context) (*series, error) {
	live, err := e.profile(ctx, "cookie@example.org")
	if err != nil {
		return nil, err
	}
	kept, err := e.profile(ctx, "kept@example.org")
	if err != nil {
		return nil, err
	}
	if _, err := e.command(ctx, "user", "lock", "kept@example.org", "--json"); err != nil {
		return nil, err
	}
	gone, err := e.profile(ctx, "gone@example.org")
	if err != nil {
		return nil, err
	}
	if _, err := e.command(ctx, "user", "erase", "gone@example.org", "--json"); err != nil {
		return nil, err
	}
	s := &series{title: "An EDI token that is good for nothing", askers: 1, within: within}
	for _, c := range []struct{ name, token string }{
		{"not a token", strings.Repeat("x", len(live.Token))},
		{"somebody's, signed by another", live.Token[:strings.LastIndexByte(live.Token, '.')+1] + strings.Repeat("A", len(live.Token)-strings.LastIndexByte(live.Token, '.')-1)},
		{"of somebody locked", kept.Token},
		{"of somebody erased", gone.Token},
	} {
		s.add(c.name, always(question{method: http.MethodPost, path: "/auth/v1/token/refresh", body: fmt.Sprintf(`{"edi-token":%q}`, c.token)}))
	}
	return s, nil
}

// refreshTokens are the partner door's, likewise.
func (e *enumeration) refreshTokens(ctx context.Context) (*series, error) {
	s := &series{title: "A refresh token that is good for nothing", askers: 1, within: within}
	renew := func(token string) question {
		return asking(map[string]any{
			"type": "refresh-token", "clientId": "client-app-id", "clientSecret": "client-app-secret",
			"withRefreshToken": map[string]any{"refreshToken": token},
		})
	}
	s.add("never given out", func(n int) question { return renew(fmt.Sprintf("%040x", n)) })
	for _, c := range []struct {
		name string
		end  func(token, number string) error
	}{
		{"used twice", func(token, _ string) error {
			answer, _, err := e.put(ctx, http.DefaultClient, renew(token))
			if err == nil && !strings.Contains(answer, " 200 ") {
				err = fmt.Errorf("refreshing: %s", answer)
			}
			return err
		}},
		{"of somebody locked", func(_, number string) error {
			_, err := e.call(ctx, http.MethodPost, "/api/users/"+number+"/lock", nil)
			return err
		}},
		{"of somebody deleted", func(_, number string) error {
			_, err := e.call(ctx, http.MethodDelete, "/api/users/"+number, nil)
			return err
		}},
	} {
		token, number, err := e.signer(ctx, strings.ReplaceAll(c.name, " ", "-"))
		if err != nil {
			return nil, err
		}
		if err := c.end(token, number); err != nil {
			return nil, err
		}
		s.add(c.name, always(renew(token)))
	}
	return s, nil
}

// signer makes somebody at the partner door, and signs in.
func (e *enumeration) signer(ctx context.Context, name string) (refresh, number string, err error) {
	email := name + "@example.org"
	body, _ := json.Marshal(map[string]any{"email": email, "emailVerified": true, "passwordHash": e.own.text}) // as above
	if _, err := e.call(ctx, http.MethodPut, "/api/users", body); err != nil {
		return "", "", err
	}
	answer, _, err := e.put(ctx, http.DefaultClient, signIn(email, plain))
	if err != nil {
		return "", "", err
	}
	var in struct{ RefreshToken, UserID string }
	_, text, _ := strings.Cut(answer, "\n\n")
	if err := json.Unmarshal([]byte(text[strings.IndexByte(text+"{", '{'):]), &in); err != nil || in.RefreshToken == "" {
		return "", "", fmt.Errorf("signing in: %s %w", answer, err)
	}
	return in.RefreshToken, in.UserID, nil
}
