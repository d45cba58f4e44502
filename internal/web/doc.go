// Package web is what usher shows to a browser: the start page, the
// development inbox, the pages behind mailed links, and what is said where there
// is nothing.
//
//	GET /                ── Start ──────────────> start.html
//	GET /dev/inbox       ── store.Messages ─────> inbox.html    development
//	GET /dev/inbox/{id}  ──                       message.html  mode only
//	GET /dev/inbox.json  ──                       JSON
//	GET /assets/…        ── style sheet, icon; kept by browsers for a year
//	anything else        ── NotFound: a page, or problem+json
//
//	/activate/{token}, /password-reset/{token}, /password-set/{token}:
//	GET                  ── Links.Look ─────────> link-….html, by its state
//	POST                 ── Links.Use ──────────> 303 ?done, or the form again
//	POST …/again         ── Links.Again ────────> 303 ?sent
//
//	state sign-ins, of the visit that a cookie names; a page of another step
//	leads to the visit's own:
//	GET  /sign-in/sso/update/contact ── StateVisits.Look ──> state-contact.html
//	POST                             ── Text ──> 303 the code's page
//	GET  /sign-in/sso/verify/code    ── Look ──> state-code.html
//	POST                             ── Enter ─> 303 in, or the challenge
//	POST /sign-in/sso/resend/code    ── Again ─> 303 ?sent
//	GET  /sign-in/sso/challenge      ── Look ──> state-challenge.html
//	POST                             ── Link ──> 303 in, or the contact page
//	GET  /sso/sign-in/error          ── state-error.html: texts it knows alone
//	GET  /resources                  ── Who ───> state-home.html
//	POST /sso/sign-out               ── SignOut > 303 /resources
//
//	sign-ins at the EDI door, whose routes are that door's:
//	SignIn ── edi-signin.html, by what became of one
//
//	internal listener:
//	GET  /jobs           ── store.Jobs ─────────> jobs.html     what was given up
//	POST /jobs[/{id}]/retry ── job.Retry ───────> 303 /jobs
//
// Pages are rendered here and need no script. The content security policy lets in
// this server's own style sheet; on the page of a code also its countdown, and
// nothing else.
// Texts live in templates/, one folder a language; a page that a language lacks
// is English from head to foot.
//
// Neighbours: store has the messages, effect/mail puts them there, cmd says
// what the start page tells and what links do.
package web
