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
//	internal listener:
//	GET  /jobs           ── store.Jobs ─────────> jobs.html     what was given up
//	POST /jobs[/{id}]/retry ── job.Retry ───────> 303 /jobs
//
// Pages are rendered here, need no script, and allow none: the content
// security policy lets in this server's own style sheet and nothing else.
// Texts live in templates/, one folder a language; a page that a language lacks
// is English from head to foot.
//
// Neighbours: store has the messages, effect/mail puts them there, cmd says
// what the start page tells and what links do.
package web
