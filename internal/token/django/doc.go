// Package django makes and reads the token formats of django-graphql-auth
// 0.3.16, which the GraphQL door keeps (contract gqlauth.md, section 8), under
// one Django SECRET_KEY.
//
//	Payload, second ──> Signer.Sign ──> data ":" base62 ":" mac, and its record
//	mailed text ──> Signer.Read: signature, age, form, action ──> Mailed
//	Login ──> Logins.Sign ──> HS256 JWT
//	JWT ──> Logins.Verify: token.Verifier, then the claims ──> Login
//	                        └── ErrInvalid, ErrExpired
//
// What was signed is then held to its canonical form: it is encoded anew and has
// to give the same text. So there is no unknown member, no member twice, no
// other order or spelling, and one text for one content.
//
// Neighbours: token has the strict JWT verifier; refresh tokens are its opaque
// tokens. Whether a mailed token was used, and whether a login's session or
// epoch still lives, is for those who keep them. docs/tokens.md has the formats.
package django
