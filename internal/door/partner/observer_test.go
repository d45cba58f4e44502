package partner

import "testing"

func TestOutcomesOfLines(t *testing.T) {
	yes, no := true, false
	for want, a := range map[string]Answer{
		"created":   {StatusCode: 200, Created: &yes, Changed: &yes},
		"changed":   {StatusCode: 200, Created: &no, Changed: &yes},
		"unchanged": {StatusCode: 200, Created: &no, Changed: &no},
		"refused":   {StatusCode: 409},
		"failed":    {StatusCode: 503},
	} {
		if got := a.outcome(); got != want {
			t.Errorf("%+v is %s, want %s", a, got, want)
		}
	}
}
