package gqlauth

import (
	"fmt"
)

// maxPage is how many users one page has at most, and where nothing is said.
const maxPage = 100

// maxFilter is longer, in bytes, than any address or username: what is longer is
// asked of no database.
const maxFilter = 1024

// paging is how a connection is asked for; nil is not asked.
type paging struct {
	offset, first, last *int32
	before, after       *string
}

// page is the part of a list that was asked for, as the original cuts it
// (contract section 7).
type page struct {
	from, to      int // of the whole list
	next, earlier bool
}

// check refuses what cannot be paged, in the original's words.
func (p paging) check() error {
	if p.before != nil && p.offset != nil {
		return rawError("You can't provide a `before` value at the same time as an `offset` value to properly paginate the `users` connection.")
	}
	for _, n := range []struct {
		name  string
		value *int32
	}{{"first", p.first}, {"last", p.last}} {
		if n.value != nil && *n.value > maxPage {
			return rawError(fmt.Sprintf("Requesting %d records on the `users` connection exceeds the `%s` limit of %d records.", *n.value, n.name, maxPage))
		}
	}
	for _, n := range []*int32{p.offset, p.first, p.last} {
		if n != nil && *n < 0 {
			return rawError("Negative indexing is not supported.")
		}
	}
	return nil
}

// window cuts a list of total. A cursor that is none counts as not sent;
// offset goes on from after.
func (p paging) window(total int) page {
	begin, end := 0, total
	if p.after != nil {
		if n, ok := fromGlobalID(cursorName, *p.after); ok {
			begin = int(n) + 1
		}
	}
	if p.offset != nil {
		begin += int(*p.offset)
	}
	lower, upper := begin, total
	if p.before != nil {
		if n, ok := fromGlobalID(cursorName, *p.before); ok {
			upper = int(n)
			end = min(end, upper)
		}
	}
	first := p.first
	if first == nil && p.last == nil {
		all := int32(maxPage)
		first = &all
	}
	var out page
	if first != nil {
		end = min(end, begin+int(*first))
		out.next = end < upper
	}
	if p.last != nil {
		begin = max(begin, end-int(*p.last))
		out.earlier = begin > lower
	}
	out.from = min(begin, total)
	out.to = max(out.from, min(end, total))
	return out
}
