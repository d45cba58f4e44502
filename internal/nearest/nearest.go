// Package nearest finds the name that somebody meant who wrote one that
// nobody knows.
//
//	config, policy, cmd/usher ── To ──> "did you mean …?"
//
// It imports nothing of usher.
package nearest

// Of gives the known name with the fewest differences from name, the first of
// equals; empty where nothing is known.
func Of(name string, known []string) string {
	best, least := "", -1
	for _, k := range known {
		if d := distance(name, k); least < 0 || d < least {
			best, least = k, d
		}
	}
	return best
}

// To is Of where the two are alike enough to be worth saying: not more than a
// third of the letters differ, or two; of names of up to three letters one.
func To(name string, known []string) (string, bool) {
	best := Of(name, known)
	most := max(2, len(best)/3)
	if min(len(name), len(best)) <= 3 {
		most = 1
	}
	return best, best != "" && distance(name, best) <= min(most, len(best)-1)
}

// distance is the number of bytes to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
