package normal

// parseORCID reads an ORCID iD: four groups of four digits, the last of which
// is a check character, X for ten (ISO 7064, MOD 11-2). The form to keep has a
// capital X.
func parseORCID(s string) (string, Reason) {
	const groups = "0000-0000-0000-0000"
	if len(s) != len(groups) {
		return "", Subject
	}
	b := []byte(s)
	sum := 0
	for i, c := range b {
		switch {
		case groups[i] == '-':
			if c != '-' {
				return "", Subject
			}
		case i == len(b)-1:
			if c == 'x' {
				c, b[i] = 'X', 'X'
			}
			want := byte('X')
			if check := (12 - sum%11) % 11; check < 10 {
				want = '0' + byte(check)
			}
			switch {
			case c != 'X' && (c < '0' || c > '9'):
				return "", Subject
			case c != want:
				return "", Checksum
			}
		case c < '0' || c > '9':
			return "", Subject
		default:
			sum = (sum + int(c-'0')) * 2
		}
	}
	return string(b), ""
}
