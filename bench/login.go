package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// A login token of the GraphQL door lives for 300 s, a run for no more than
// longest.
var meQuery = graphQL("{ me { pk email username firstName verified } }")

func graphQL(query string) string {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		panic(err) // of a string
	}
	return string(body)
}

// loginToken signs the first signer in at the GraphQL door.
func (b *bench) loginToken(c *conn) (string, error) {
	status, body, err := c.do(request("POST", "/graphql", asJSON, graphQL(fmt.Sprintf(
		"mutation { tokenAuth(email: %q, password: %q) { token } }", "signer0@example.org", plain))))
	if err != nil {
		return "", fmt.Errorf("signing in at the GraphQL door: %w", err)
	}
	var got struct {
		Data struct{ TokenAuth struct{ Token string } }
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Data.TokenAuth.Token == "" {
		return "", fmt.Errorf("signing in at the GraphQL door: %d %s", status, body)
	}
	return got.Data.TokenAuth.Token, nil
}

// me asks who is signed in, over n connections. Whose token is dead is nobody,
// with status 200 too, so the last answer is looked at.
func (b *bench) me(n int, beside string) operation {
	req := request("POST", "/graphql", asJSON+"Authorization: JWT "+b.login+"\r\n", meQuery)
	o := b.closed("me (GraphQL)", n, beside, b.usher, b.usher.public, all(req))
	run := o.run
	o.run = func(ctx context.Context) (result, error) {
		r, err := run(ctx)
		return r, errors.Join(err, b.isSomebody(req))
	}
	return o
}

func (b *bench) isSomebody(req []byte) error {
	c, err := dial(b.usher.public)
	if err != nil {
		return err
	}
	defer c.Close()
	_, body, err := c.do(req)
	if err != nil {
		return err
	}
	var got struct {
		Data struct{ Me struct{ Email string } }
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Data.Me.Email != "signer0@example.org" {
		return fmt.Errorf("me is %s", body)
	}
	return nil
}
