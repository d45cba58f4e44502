// Package metrics counts what an operator wants to know, for Prometheus.
//
//	server ───── every request ──────┐
//	password ─── every hash ─────────┤
//	signin ───── every try ──────────┤  observers      ┌─────────┐
//	sqlstore ─── every transaction ──┼──────────────>  │ Metrics │ ──> Handler ──> /metrics
//	job ──────── every attempt ──────┤                 └─────────┘
//	partner ──── every batch line ───┘                      ▲ at each scrape
//	sqlstore.Census, Stats, password.Hasher.Load ───────────┘ what waits now
//
// Each package that is watched has its own small Observer interface and knows
// nothing of Prometheus; this one implements them all. The registry is its own:
// nothing is registered globally.
//
// Labels are words of the program alone: doors, router patterns, methods,
// outcomes. Nothing that a caller sent, and nothing that names a user, is ever
// one, so that their number is bounded and /metrics tells of nobody.
//
// Neighbours: cmd/usher makes it and hands its observers out; docs/operating.md
// says what each metric means; deploy/ has a dashboard and alerts made of them.
package metrics
