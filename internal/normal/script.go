package normal

import "unicode"

// blends are the scripts that one language writes together (UTS 39, section
// 5.1).
var blends = map[string][]string{
	"Han":      {"Han", "Japanese", "Korean", "Bopomofo"},
	"Hiragana": {"Hiragana", "Japanese"},
	"Katakana": {"Katakana", "Japanese"},
	"Hangul":   {"Hangul", "Korean"},
	"Bopomofo": {"Bopomofo"},
}

// oneScript tells letters of one language's writing. Characters that all
// scripts share are left out.
func oneScript(s string) bool {
	var left []string
	for _, r := range s {
		if unicode.In(r, unicode.Common, unicode.Inherited) {
			continue
		}
		own := scriptOf(r)
		if own == nil {
			return false
		}
		if left == nil {
			left = own
			continue
		}
		var both []string
		for _, a := range left {
			for _, b := range own {
				if a == b {
					both = append(both, a)
				}
			}
		}
		if len(both) == 0 {
			return false
		}
		left = both
	}
	return true
}

func scriptOf(r rune) []string {
	if unicode.Is(unicode.Latin, r) {
		return []string{"Latin"}
	}
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if b, ok := blends[name]; ok {
				return b
			}
			return []string{name}
		}
	}
	return nil
}
