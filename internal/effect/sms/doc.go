// Package sms writes and sends the text messages that jobs ask for.
//
//	job "sms" ──> Sender.Handle ── templates (en, hi) ──> Message ──> Transport
//	                                                                     │
//	                  Gateway: an HTTP service ──┬───────────────────────┘
//	                  Inbox: the development inbox
//
// Neighbours: job leases the work and has its payload, otp puts the code into it,
// store keeps the inbox, web shows it. Only cmd imports this package.
package sms
