package password

// Work and Memory give what one check of a hash is taken to cost: in default
// hashes, and in bytes.
func (h Hash) Work() float64   { return h.v.expense().work }
func (h Hash) Memory() float64 { return h.v.expense().memory }

// Remainder gives what a check of the hash is drawn out by.
func (h Hash) Remainder(p Params) (Params, bool) { return p.remainder(h.v.expense()) }
