package partner

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/signin"
	"github.com/usher-id/usher/internal/user"
)

const (
	maxText     = 255
	maxLogin    = 320
	maxPassword = 1024
	maxToken    = 16 << 10
)

// loginAnswer has exactly the published keys.
type loginAnswer struct {
	AccessToken           string `json:"accessToken"`
	AccessTokenExpiresAt  stamp  `json:"accessTokenExpiresAt"`
	RefreshToken          string `json:"refreshToken"`
	RefreshTokenExpiresAt stamp  `json:"refreshTokenExpiresAt"`
	Scope                 string `json:"scope"`
	UserID                string `json:"userId"`
	// ClientID is the client's record id, not the clientId that was sent.
	ClientID string `json:"clientId"`
	IDToken  string `json:"idToken"`
}

// login signs in (contract partner.md, POST /api/auth/login). The body and its
// type are judged first, then the client, then the person; signin sees to it
// that the last two tell a stranger nothing.
func (d *Door) login(w http.ResponseWriter, r *http.Request) {
	in, audience, err := d.signIn(w, r)
	if err != nil {
		d.refuse(w, r, signingIn, err)
		return
	}
	idToken, err := d.IDToken(r.Context(), in, audience)
	if err != nil {
		d.refuse(w, r, signingIn, err)
		return
	}
	d.write(w, http.StatusOK, loginAnswer{
		AccessToken: in.AccessToken, AccessTokenExpiresAt: stamp(in.AccessUntil),
		RefreshToken: in.RefreshToken, RefreshTokenExpiresAt: stamp(in.RefreshUntil),
		Scope: "read write", UserID: in.Session.Subject, ClientID: in.Client.ID, IDToken: idToken,
	})
}

// client is who signs a person in.
type client struct {
	id      string
	secret  *string
	network netip.Prefix
}

// signIn reads the body and signs in by its type; it gives the clientId too.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request) (signin.SignedIn, string, error) {
	var none signin.SignedIn
	m, err := readObject(w, r)
	if err != nil {
		return none, "", err
	}
	f := &fields{members: m}
	kind := f.required("type", maxText)
	by, known := map[string]func(context.Context, *fields, client) (signin.SignedIn, error){
		"password":       d.byPassword,
		"oauth-provider": d.byProvider,
		"refresh-token":  d.byRefreshToken,
	}[kind]
	if kind == "oauth-provider" && len(d.Providers) == 0 {
		known = false
	}
	if len(f.problems) == 0 && !known {
		return none, "", user.Refuse(user.Unsupported, "type")
	}
	c := client{id: f.required("clientId", maxText), secret: f.text("clientSecret", maxText).Value, network: d.Network(r)}
	if !known {
		return none, "", badRequest{f.problems}
	}
	in, err := by(r.Context(), f, c)
	return in, c.id, err
}

// inner reads the member that holds what a login type needs, with the problems
// found so far before its own.
func (f *fields) inner(name string) *fields {
	in := f.object(name)
	in.problems = append(f.problems, in.problems...)
	return in
}

func (d *Door) byPassword(ctx context.Context, f *fields, c client) (signin.SignedIn, error) {
	in := f.inner("withPassword")
	a := signin.Attempt{Door: user.DoorPartner, ClientID: c.id, ClientSecret: c.secret, Network: c.network}
	if in.members != nil {
		a.Login, a.Password = in.required("emailOrUsername", maxLogin), in.required("password", maxPassword)
	}
	if len(in.problems) > 0 {
		return signin.SignedIn{}, badRequest{in.problems}
	}
	return d.SignIn.Password(ctx, a)
}

func (d *Door) byRefreshToken(ctx context.Context, f *fields, c client) (signin.SignedIn, error) {
	in := f.inner("withRefreshToken")
	a := signin.Renewal{Door: user.DoorPartner, ClientID: c.id, ClientSecret: c.secret, Network: c.network}
	if in.members != nil {
		a.RefreshToken = in.required("refreshToken", maxBearer)
	}
	if len(in.problems) > 0 {
		return signin.SignedIn{}, badRequest{in.problems}
	}
	return d.SignIn.Refresh(ctx, a)
}

func (d *Door) byProvider(ctx context.Context, f *fields, c client) (signin.SignedIn, error) {
	in := f.inner("withOAuth")
	a := signin.ProviderAttempt{Door: user.DoorPartner, ClientID: c.id, ClientSecret: c.secret, Network: c.network}
	if in.members != nil {
		a.Provider = in.oneOf("providerName", d.Providers...)
		a.Token = in.required("providerToken", maxToken)
		a.Kind = signin.TokenKind(in.oneOf("providerTokenType", string(signin.IDToken), string(signin.AccessToken)))
	}
	if len(in.problems) > 0 {
		return signin.SignedIn{}, badRequest{in.problems}
	}
	return d.SignIn.Provider(ctx, a)
}

// oneOf reads a text that must be one of these.
func (f *fields) oneOf(name string, values ...string) string {
	s := f.required(name, maxText)
	if s != "" && !slices.Contains(values, s) {
		f.wrong(name, "must be one of the following values: "+strings.Join(values, ", "))
	}
	return s
}
