package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	asSystem = "X-User-Ctx: {\"id\":\"__system\",\"user\":\"__system\"}\r\nContent-Type: application/json\r\n"
	asJSON   = "Content-Type: application/json\r\n"
	client   = `"clientId":"client-app-id","clientSecret":"client-app-secret"` // development mode has it
	plain    = "a-fair-password-77"
	signers  = 64 // users with a password, one for each connection
)

// people are whom the requests are about.
type people struct {
	cookie, ediID string   // of the user who reads their own profile
	number        string   // of the first signer, at the partner door
	refresh       []string // the refresh token each signer has now
	login         string   // the first signer's, at the GraphQL door
}

// prepare makes them. The signers' passwords are hashed here, so that signing
// in costs one verification and nothing else.
func (b *bench) prepare(ctx context.Context) error {
	for _, args := range [][]string{
		{"user", "create", "--email", "reader@example.org", "--name", "Grace Hopper", "--verified", "--json"},
		{"token", "mint", "--door", "edi", "--user", "reader@example.org", "--json"},
	} {
		cmd := exec.CommandContext(ctx, b.program, append(args, "--data", filepath.Join(b.dir, "data"), "--database-url", b.pg)...)
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("usher %s: %w", strings.Join(args, " "), err)
		}
		var minted struct {
			Token string `json:"token"`
			EDIID string `json:"edi_id"`
		}
		if err := json.Unmarshal(out, &minted); err != nil {
			return fmt.Errorf("usher %s: %w", strings.Join(args, " "), err)
		}
		b.cookie, b.ediID = minted.Token, minted.EDIID
	}
	var lines strings.Builder
	for i := range signers {
		fmt.Fprintf(&lines, `{"username":"signer%d","email":"signer%d@example.org","emailVerified":true,"password":%q}`+"\n", i, i, plain)
	}
	if r, err := b.send(ctx, lines.String()); err != nil || r.ops-r.odd-r.faults != signers {
		return fmt.Errorf("syncing %d signers: %+v %w", signers, r, err)
	}
	c, err := dial(b.usher.inside)
	if err != nil {
		return err
	}
	defer c.Close()
	_, body, err := c.do(request("PUT", "/api/users/", asSystem, `{"email":"signer0@example.org"}`))
	var synced struct{ ID string }
	if err != nil || json.Unmarshal(body, &synced) != nil || synced.ID == "" {
		return fmt.Errorf("asking for a signer: %s %w", body, err)
	}
	b.number = synced.ID
	for i := range signers {
		_, body, err := c.do(login(i))
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		b.refresh = append(b.refresh, refreshToken(body))
	}
	if c, err = dial(b.usher.public); err != nil {
		return err
	}
	defer c.Close()
	b.login, err = b.loginToken(c)
	return err
}

func login(i int) []byte {
	return request("POST", "/api/auth/login", asJSON, fmt.Sprintf(
		`{"type":"password",%s,"withPassword":{"emailOrUsername":"signer%d@example.org","password":%q}}`, client, i, plain))
}

// refreshToken takes the token out of a login's answer, whose values have no
// quotes in them; empty where there is none, which the next answer's status
// shows.
func refreshToken(answer []byte) string {
	_, rest, _ := strings.Cut(string(answer), `"refreshToken":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

// refresher is one person whose client refreshes again and again, each time
// with the token it got the time before.
type refresher struct{ token *string }

func (r refresher) next(last []byte) []byte {
	r.end(last)
	return request("POST", "/api/auth/login", asJSON, fmt.Sprintf(`{"type":"refresh-token",%s,"withRefreshToken":{"refreshToken":%q}}`, client, *r.token))
}

func (r refresher) end(last []byte) {
	if last != nil {
		*r.token = refreshToken(last)
	}
}

// operations are what each round runs, one after another.
func (b *bench) operations() []operation {
	bare := func(n int) operation {
		return b.closed("bare net/http", n, "", b.bare, b.bare.public, all(request("GET", "/", "", "")))
	}
	own := all(request("GET", "/auth/v1/profile/"+b.ediID, "Cookie: edi-token="+b.cookie+"\r\n", ""))
	partner := all(request("GET", "/api/users/"+b.number, asSystem, ""))
	unchanged := all(request("PUT", "/api/users/", asSystem, `{"username":"signer0","email":"signer0@example.org","emailVerified":true}`))
	refresh := func(i int) worker { return refresher{&b.refresh[i]} }

	var ops []operation
	for _, n := range []int{1, 16, 64} {
		beside := fmt.Sprintf("bare net/http/%d", n)
		ops = append(ops, bare(n),
			b.closed("own profile (EDI)", n, beside, b.usher, b.usher.public, own),
			b.me(n, beside),
			b.closed("user by id (partner)", n, beside, b.usher, b.usher.inside, partner),
			b.closed("sync of one, unchanged", n, beside, b.usher, b.usher.inside, unchanged),
		)
	}
	ops = append(ops, b.rawOperations()...)
	for _, n := range []int{1, 16, 64} {
		ops = append(ops, b.closed("refresh", n, rawUpdate, b.usher, b.usher.public, refresh))
	}
	ops = append(ops, b.batchOperations()...)
	return append(ops, b.signInOperations()...)
}

// closed is an operation in a closed loop.
func (b *bench) closed(name string, n int, beside string, p *process, addr string, who crew) operation {
	return operation{
		name: name, conns: n, beside: beside,
		run: func(context.Context) (result, error) { return loop(p, addr, n, b.slot, who) },
	}
}
