// Package mail writes and sends the mails that jobs ask for.
//
//	job "mail" ──> Sender.Handle ── templates (en, de) ──> Message ──> Transport
//	                                                                      │
//	                        SMTP: a mail server ──┬───────────────────────┘
//	                        Inbox: the development inbox
//
// Every mail has a text and an HTML part that say the same. What people and
// sources call themselves is shown as text, cut to a sensible length, and left
// out where it looks like an address somebody could be lured to.
//
// Neighbours: job leases the work and has its payload, store keeps the inbox,
// web shows it. Only cmd imports this package.
package mail
