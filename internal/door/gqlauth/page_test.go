package gqlauth

import "testing"

// TestWindow is section 7 of the contract, over ten users unless said.
func TestWindow(t *testing.T) {
	n := func(i int32) *int32 { return &i }
	cursor := func(i int) *string { return new(globalID(cursorName, i)) }
	for name, c := range map[string]struct {
		p     paging
		total int
		want  page
	}{
		"all":                         {paging{}, 10, page{from: 0, to: 10}},
		"at most a hundred":           {paging{}, 101, page{from: 0, to: 100, next: true}},
		"none":                        {paging{}, 0, page{}},
		"first":                       {paging{first: n(3)}, 10, page{from: 0, to: 3, next: true}},
		"first of exactly so many":    {paging{first: n(10)}, 10, page{from: 0, to: 10}},
		"first of none":               {paging{first: n(0)}, 10, page{from: 0, to: 0, next: true}},
		"first after":                 {paging{first: n(3), after: cursor(4)}, 10, page{from: 5, to: 8, next: true}},
		"no earlier page forwards":    {paging{after: cursor(4)}, 10, page{from: 5, to: 10}},
		"after the end":               {paging{after: cursor(40)}, 10, page{from: 10, to: 10}},
		"last":                        {paging{last: n(3)}, 10, page{from: 7, to: 10, earlier: true}},
		"last of all":                 {paging{last: n(100)}, 10, page{from: 0, to: 10}},
		"last before":                 {paging{last: n(3), before: cursor(5)}, 10, page{from: 2, to: 5, earlier: true}},
		"before":                      {paging{before: cursor(5)}, 10, page{from: 0, to: 5}},
		"first before":                {paging{first: n(2), before: cursor(5)}, 10, page{from: 0, to: 2, next: true}},
		"before the start":            {paging{before: cursor(0)}, 10, page{}},
		"before and after crossed":    {paging{before: cursor(2), after: cursor(5)}, 10, page{from: 6, to: 6}},
		"first and last":              {paging{first: n(5), last: n(2)}, 10, page{from: 3, to: 5, next: true, earlier: true}},
		"offset":                      {paging{offset: n(4)}, 10, page{from: 4, to: 10}},
		"offset and first":            {paging{offset: n(4), first: n(2)}, 10, page{from: 4, to: 6, next: true}},
		"offset goes on from after":   {paging{offset: n(2), after: cursor(4)}, 10, page{from: 7, to: 10}},
		"offset past the end":         {paging{offset: n(40)}, 10, page{from: 10, to: 10}},
		"a bad cursor counts for not": {paging{after: new("garbage"), first: n(1)}, 10, page{from: 0, to: 1, next: true}},
		"another's cursor":            {paging{after: new(globalID(userNode, 3)), first: n(1)}, 10, page{from: 0, to: 1, next: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.p.check(); err != nil {
				t.Fatal(err)
			}
			if got := c.p.window(c.total); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWhatCannotBePaged(t *testing.T) {
	n := func(i int32) *int32 { return &i }
	for _, c := range []struct {
		p    paging
		want string
	}{
		{paging{first: n(101)}, "Requesting 101 records on the `users` connection exceeds the `first` limit of 100 records."},
		{paging{last: n(500)}, "Requesting 500 records on the `users` connection exceeds the `last` limit of 100 records."},
		{paging{offset: n(0), before: new("x")}, "You can't provide a `before` value at the same time as an `offset` value to properly paginate the `users` connection."},
		{paging{first: n(-1)}, "Negative indexing is not supported."},
		{paging{last: n(-1)}, "Negative indexing is not supported."},
		{paging{offset: n(-1)}, "Negative indexing is not supported."},
	} {
		if err := c.p.check(); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
