package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"time"
)

// series are questions that a stranger must not be able to tell apart.
type series struct {
	title   string
	askers  int           // how many ask side by side
	within  time.Duration // by which medians may differ; 0 where that is only shown
	classes []*class
}

// class is one reason for the answer that all of a series get. The first of a
// series is what the others are set beside.
type class struct {
	name string
	ask  func(n int) question // the n-th
	// What the stranger saw: milliseconds, and how often which answer.
	took    []float64
	answers map[string]int
}

func (s *series) add(name string, ask func(n int) question) {
	s.classes = append(s.classes, &class{name: name, ask: ask, answers: map[string]int{}})
}

// write prints the table. Answers that are not alike are an error.
func (s *series) write(w io.Writer) error {
	base := s.classes[0]
	middle := median(base.took) // sorts, as below
	fmt.Fprintf(w, "\n%s: %d of each kind, in an order that was drawn, %d side by side.\n\n", s.title, len(base.took), s.askers)
	fmt.Fprintf(w, "| kind | median ms | 95 %% ms | median less the first's | told from the first |\n|---|---:|---:|---:|---:|\n")
	answers := map[string]int{}
	lowest, highest := middle, middle
	for _, c := range s.classes {
		m := median(c.took)
		lowest, highest = min(lowest, m), max(highest, m)
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %+.2f | %.1f %% |\n", c.name, m, c.took[len(c.took)*95/100], m-middle, 100*told(base.took, c.took))
		for a, n := range c.answers {
			answers[a] += n
		}
	}
	verdict := ""
	if s.within > 0 {
		verdict = fmt.Sprintf("; %v are allowed", s.within)
		if highest-lowest > s.within.Seconds()*1000 {
			verdict += ", so this is TOO MUCH"
		}
	}
	fmt.Fprintf(w, "\nThe medians lie within %.2f ms%s. Where nothing can be told, the last column is 50 %%, and stays below %.1f %% ninety-nine times of a hundred.\n",
		highest-lowest, verdict, 100*byChance(len(base.took)))
	if len(answers) > 1 {
		for _, a := range slices.Sorted(maps.Keys(answers)) {
			fmt.Fprintf(w, "\n%d times:\n%s\n", answers[a], a)
		}
		return fmt.Errorf("%s: %d different answers", s.title, len(answers))
	}
	fmt.Fprintln(w, "All answers are alike to the byte, but for Date and X-Request-Id.")
	return nil
}

// told is how often the better of two guesses, "the longer is a" or "the
// longer is b", is right for one of each: the area under the curve of Mann and
// Whitney's test. It sorts a.
func told(a, b []float64) float64 {
	slices.Sort(a)
	wins := 0.0
	for _, y := range b {
		below, _ := slices.BinarySearch(a, y)
		upTo, _ := slices.BinarySearchFunc(a, y, func(x, y float64) int {
			if x <= y {
				return -1
			}
			return 1
		})
		wins += float64(below) + float64(upTo-below)/2
	}
	auc := wins / float64(len(a)*len(b))
	return max(auc, 1-auc)
}

// byChance is what told does not reach in 99 of 100 comparisons of two n times
// the same thing (Mann and Whitney's test, normal approximation).
func byChance(n int) float64 {
	const z = 2.576
	return min(1, 0.5+z*math.Sqrt(float64(2*n+1)/12)/float64(n))
}
