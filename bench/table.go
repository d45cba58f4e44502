package main

import (
	"context"
	"fmt"
	"io"
	"slices"
)

// operation is a row of the table: something that is run once in each round.
type operation struct {
	name  string
	conns int
	// beside is the key of the row that this one is set beside, or empty.
	beside string
	run    func(context.Context) (result, error)
}

// key is unlike every other row's.
func (o operation) key() string { return fmt.Sprintf("%s/%d", o.name, o.conns) }

// table keeps the results of every round, by row.
type table struct {
	ops     []operation
	results map[string][]result
}

func newTable(ops []operation) *table {
	return &table{ops: ops, results: map[string][]result{}}
}

// round runs every operation once.
func (t *table) round(ctx context.Context, keep bool) error {
	for _, o := range t.ops {
		r, err := o.run(ctx)
		if err != nil {
			return fmt.Errorf("%s, %d connections: %w", o.name, o.conns, err)
		}
		if keep {
			t.results[o.key()] = append(t.results[o.key()], r)
		}
	}
	return nil
}

// write prints the medians. A ratio is the median of each round's own, so that
// what else the machine did in one minute touches both sides alike.
func (t *table) write(w io.Writer) {
	fmt.Fprintln(w, "| operation | connections | a second | beside | CPU ms each | 5xx | other than 200 |\n|---|---:|---:|---|---:|---:|---:|")
	for _, o := range t.ops {
		rs := t.results[o.key()]
		var rates, cpu []float64
		faults, odd := 0, 0
		for _, r := range rs {
			rates, cpu = append(rates, r.rate()), append(cpu, r.milliseconds())
			faults, odd = faults+r.faults, odd+r.odd
		}
		fmt.Fprintf(w, "| %s | %d | %.0f | %s | %.3f | %d | %d |\n", o.name, o.conns, median(rates), t.ratio(o), median(cpu), faults, odd)
	}
}

func (t *table) ratio(o operation) string {
	var ratios []float64
	for i, r := range t.results[o.key()] {
		if beside := t.results[o.beside]; i < len(beside) {
			ratios = append(ratios, r.rate()/beside[i].rate())
		}
	}
	if len(ratios) == 0 {
		return ""
	}
	name := o.beside[:len(o.beside)-len(fmt.Sprintf("/%d", t.find(o.beside).conns))]
	return fmt.Sprintf("%.0f %% of %s", 100*median(ratios), name)
}

func (t *table) find(key string) operation {
	i := slices.IndexFunc(t.ops, func(o operation) bool { return o.key() == key })
	return t.ops[i]
}

// less is the median, over the rounds, of what one row costs more CPU than
// another, in milliseconds.
func (t *table) less(key, other string) float64 {
	var diffs []float64
	for i, r := range t.results[key] {
		diffs = append(diffs, r.milliseconds()-t.results[other][i].milliseconds())
	}
	return median(diffs)
}

// median sorts its argument; 0 of none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	m := len(of) / 2
	if len(of)%2 == 1 {
		return of[m]
	}
	return (of[m-1] + of[m]) / 2
}
