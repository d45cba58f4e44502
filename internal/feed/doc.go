// Package feed is what a source does with its own records of people who are
// not here: sync one or many, read, page, change, lock, unlock, delete. The
// partner door is one caller; whatever imports is another.
//
//	door/partner ─> Sync ─> prepare   normalise, refuse, hash       no transaction
//	                        match     among this source's records   ┐
//	                        admission.Provision                     │ one transaction
//	                        names, roles, lock                      ┘
//	SyncBatch: foresee      what nobody has, asked once for all lines
//	Importer ── adopt.go    the same, and numbers of another system are kept
//
// A source sees its own strands only. Neighbours: admission decides whose
// user a new record is, password hashes, normal says what an e-mail is.
package feed
