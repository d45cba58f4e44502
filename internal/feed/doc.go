// Package feed is what a source does with its own records of people who are
// not here: sync one or many, read, page, change, lock, unlock, delete. The
// partner door, the importer and the command line share it.
//
//	door/partner ─> Sync ─> prepare   normalise, refuse, hash       no transaction
//	                        match     among this source's records   ┐
//	                        admission.Provision                     │ one transaction
//	                        names, roles, lock                      ┘
//
// A source sees its own strands only. Neighbours: admission decides whose
// user a new record is, password hashes, normal says what an e-mail is.
package feed
