package normal_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/usher-id/usher/internal/normal"
)

// Of the Big List of Naughty Strings these, and no others, may name somebody.
func TestNaughtyStrings(t *testing.T) {
	text, err := os.ReadFile("testdata/blns/blns.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 480 {
		t.Fatalf("%d strings", len(all))
	}
	got := map[string][]string{}
	for _, s := range all {
		checkUsername(t, s)
		checkPhone(t, s, "US")
		checkIdentity(t, s, s)
		checkEmail(t, s)
		if _, err := normal.ParseEmail(s); err == nil {
			got["e-mail"] = append(got["e-mail"], s)
		}
		if _, err := normal.ParsePhone(s, ""); err == nil {
			got["phone"] = append(got["phone"], s)
		}
		if _, err := normal.ParsePhone(s, "US"); err == nil {
			got["phone in US"] = append(got["phone in US"], s)
		}
		if _, err := normal.NewUsername(s); err == nil {
			got["username"] = append(got["username"], s)
		}
		if _, err := normal.NewUnicodeUsername(s); err == nil {
			got["Unicode username"] = append(got["Unicode username"], s)
		}
		if id, err := normal.ParseIdentityName(s); err == nil && id.Issuer != normal.IssuerEDI {
			got["identity"] = append(got["identity"], s)
		}
	}
	ascii := []string{
		"hasOwnProperty", "1E2", "1E02", "1E+02", "Infinity", "INF", "0x0", "0xffffffff", "0xffffffffffffffff", "0xabad1dea",
		"2.2250738585072011e-308", "CON", "PRN", "AUX", "NUL", "COM1", "LPT1", "LPT2", "LPT3", "COM2", "COM3", "COM4",
		"RomansInSussex.co.uk", "evaluate", "mocha", "expression", "classic", "basement",
	}
	want := map[string][]string{
		"username": ascii,
		"Unicode username": slices.Concat(ascii[:11], []string{
			"田中さんにあげて下さい", "パーティーへ行かないか", "和製漢語", "部落格", "社會科學院語學研究所", "울란바토르", "𠜎𠜱𠝹𠱓𠱸𠲖𠳏",
		}, ascii[11:]),
	}
	for _, kind := range []string{"e-mail", "phone", "phone in US", "username", "Unicode username", "identity"} {
		if names := got[kind]; !slices.Equal(names, want[kind]) {
			t.Errorf("as %s: %#v", kind, names)
		}
	}
}
