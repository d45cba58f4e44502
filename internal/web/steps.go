package web

import (
	"strings"

	"github.com/usher-id/usher/internal/user"
)

// step is one thing to paste into a terminal. Steps of a door work in their
// order, in one shell, with nothing but curl and sed.
type step struct {
	Name    string // which of the door's steps; the template has the words
	Command string
}

// steps are written for development mode: they use the client that it
// registers and trust loopback on the internal listener.
func (s Start) steps(d user.Door) []step {
	var steps []step
	switch {
	case d == user.DoorPartner && s.Internal != "":
		steps = partnerSteps
	case d == user.DoorEDI:
		steps = ediSteps
	case d == user.DoorGQLAuth:
		steps = gqlauthSteps
	case d == user.DoorSunbird:
		steps = sunbirdSteps
	case d == user.DoorPortal:
		steps = portalSteps
	}
	command := s.Command
	if command == "" {
		command = "go run ./cmd/usher"
	}
	fill := strings.NewReplacer("{public}", s.Public, "{internal}", s.Internal, "{usher}", command)
	filled := make([]step, 0, len(steps))
	for _, st := range steps {
		filled = append(filled, step{st.Name, fill.Replace(st.Command)})
	}
	return filled
}

var partnerSteps = []step{
	{"partner-sync", `curl -sS -X PUT '{internal}/api/users/' \
  -H 'content-type: application/json' \
  -H 'x-user-ctx: {"id":"__system","user":"__system"}' \
  -d '{"username": "ada.lovelace", "email": "ada@example.org", "emailVerified": true,
       "password": "tulips-in-the-engine-room", "firstName": "Ada", "lastName": "Lovelace"}'`},
	{"partner-signin", `signed_in=$(curl -sS '{public}/api/auth/login' \
  -H 'content-type: application/json' \
  -d '{"type": "password", "clientId": "client-app-id", "clientSecret": "client-app-secret",
       "withPassword": {"emailOrUsername": "ada@example.org", "password": "tulips-in-the-engine-room"}}')
echo "$signed_in"`},
	{"partner-context", `access=$(echo "$signed_in" | sed -n 's/.*"accessToken": *"\([0-9a-f]*\)".*/\1/p')
curl -sS '{internal}/internal/auth/user-context?format=json' \
  -H 'content-type: application/json' \
  -d "{\"accessToken\":\"$access\"}"`},
	{"partner-read", `user=$(echo "$signed_in" | sed -n 's/.*"userId": *"\([0-9]*\)".*/\1/p')
curl -sS "{internal}/api/users/$user" \
  -H 'x-user-ctx: {"id":"__system","user":"__system"}'`},
}

var gqlauthSteps = []step{
	{"gqlauth-register", `curl -sS '{public}/graphql' \
  -H 'content-type: application/json' \
  -d '{"query": "mutation { register(email: \"lise@example.org\", username: \"lise\", password1: \"barium-from-uranium\", password2: \"barium-from-uranium\") { success errors } }"}'`},
	{"gqlauth-mail", `sleep 1
link=$(curl -sS '{public}/dev/inbox.json?to=lise@example.org' | sed -n 's/.*\(http[^" \\]*\/activate\/[^" \\]*\).*/\1/p')
echo "$link"`},
	{"gqlauth-activate", `curl -sS '{public}/graphql' \
  -H 'content-type: application/json' \
  -d "{\"query\": \"mutation { verifyAccount(token: \\\"${link##*/}\\\") { success errors } }\"}"`},
	{"gqlauth-signin", `signed_in=$(curl -sS '{public}/graphql' \
  -H 'content-type: application/json' \
  -d '{"query": "mutation { tokenAuth(email: \"lise@example.org\", password: \"barium-from-uranium\") { token refreshToken } }"}')
echo "$signed_in"`},
	{"gqlauth-me", `jwt=$(echo "$signed_in" | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
curl -sS '{public}/graphql' \
  -H "Authorization: JWT $jwt" \
  -H 'content-type: application/json' \
  -d '{"query": "{ me { pk username email verified } }"}'`},
}

var sunbirdSteps = []step{
	{"sunbird-generate", `curl -sS '{public}/v1/otp/generate' \
  -H 'content-type: application/json' \
  -d '{"request": {"key": "9876543210", "type": "phone"}}'`},
	{"sunbird-text", `sleep 1
code=$(curl -sS '{public}/dev/inbox.json?to=%2B919876543210&channel=sms' | sed -n 's/.* is \([0-9]\{6\}\)\..*/\1/p' | tail -n 1)
echo "$code"`},
	{"sunbird-create", `curl -sS '{public}/v2/user/create' \
  -H 'content-type: application/json' \
  -d "{\"request\": {\"firstName\": \"Savitri\", \"lastName\": \"Devi\", \"phone\": \"9876543210\", \"OTP\": \"$code\"}}"`},
	{"sunbird-read", `curl -sS '{public}/v1/user/get/phone/9876543210'`},
}

var ediSteps = []step{
	{"edi-user", `{usher} user create --email grace@example.org --name 'Grace Hopper' --verified
{usher} group add Vetted grace@example.org`},
	{"edi-token", `minted=$({usher} token mint --door edi --user grace@example.org --json)
edi_token=$(echo "$minted" | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
edi_id=$(echo "$minted" | sed -n 's/.*"edi_id": *"\([^"]*\)".*/\1/p')
echo "$edi_id"`},
	{"edi-read", `curl -sS "{public}/auth/v1/profile/$edi_id" \
  --cookie "edi-token=$edi_token"`},
	{"edi-create", `curl -sS -X POST '{public}/auth/v1/profile' \
  --cookie "edi-token=$edi_token" \
  -H 'content-type: application/json' \
  -d '{"idp_uid": "https://orcid.org/0000-0002-1825-0097"}'`},
}

// portalSteps need a realm, and somebody who is registered there.
var portalSteps = []step{
	{"portal-pages", `echo "open {public}/en/ in a browser, and register"`},
	{"portal-refused", `curl -sS '{public}/api/my-user' -H 'authorization: Bearer garbage'`},
}
