// Package ledger joins strands to users and takes them apart again, inside a
// transaction that somebody else decided on. Every operation that joins or
// sets aside writes an entry that holds what is needed to undo it.
//
//	admission, account, operator ──> Attach   a strand to a user
//	                                 TakeOver  a user nobody had been in
//	                                 Evict     a user from an address it never proved
//	                                 Absorb    a user nobody had been in, into another
//	                                 Merge     two users, Unmerge them
//	                                 Withdraw  a door's strand, Erase a user
//	                                     └─> Reproject: the profile follows
//
// It decides nothing: who may be linked is admission's to say. Neighbours:
// store keeps the rows, policy derives the profile, event records what
// happened.
package ledger
