package normal_test

import (
	"fmt"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/usher-id/usher/internal/normal"
	"pgregory.net/rapid"
)

func TestParsePhone(t *testing.T) {
	tests := []struct {
		given, region string
		key           string
		why           normal.Reason
	}{
		{"+447911123456", "", "+447911123456", ""},
		{"+44 7911 123456", "", "+447911123456", ""},
		{"+44 (0) 7911-123456", "", "+447911123456", ""},
		{"+44 7911 123456", "IN", "+447911123456", ""},
		{"07911 123456", "GB", "+447911123456", ""},
		{"9999999999", "IN", "+919999999999", ""},
		{"+91-99999.99999", "", "+919999999999", ""},
		{"(212) 555-0123", "US", "+12125550123", ""},
		{"+39 06 1234567", "", "+39061234567", ""},

		{"", "IN", "", normal.Empty},
		{"9999999999", "", "", normal.NoCountry},
		{"0044 7911 123456", "", "", normal.NoCountry},
		{"9999999999", "XX", "", normal.NotANumber},
		{"+", "", "", normal.NotANumber},
		{"+0", "", "", normal.NotANumber},
		{"+999 123456789", "", "", normal.NotANumber},
		{"+1 800 FLOWERS", "", "", normal.NotANumber},
		{"+1 212 555 0123 ext. 5", "", "", normal.NotANumber},
		{"+1 212 555 0123;ext=5", "", "", normal.NotANumber},
		{"tel:+12125550123", "", "", normal.NotANumber},
		{"+1+212 555 0123", "", "", normal.NotANumber},
		{"＋447911123456", "", "", normal.NotANumber},
		{"+44٧٩١١١٢٣٤٥٦", "", "", normal.NotANumber},
		{"+447911123456\n", "", "", normal.NotANumber},
		{"112", "GB", "", normal.NotPossible},
		{"+44 7911", "", "", normal.NotPossible},
		{"+1 212 555 01234", "", "", normal.NotPossible},
		{"+8110000000000000000", "", "", normal.NotPossible}, // longer than E.164
		{"+44 7911 123456 7911 123456 7911 1234567 123456", "", "", normal.TooLong},
	}
	for _, tt := range tests {
		t.Run(tt.given+" "+tt.region, func(t *testing.T) {
			p, err := normal.ParsePhone(tt.given, tt.region)
			if got := reason(t, err); got != tt.why {
				t.Fatalf("reason is %q, want %q", got, tt.why)
			}
			if p.Key() != tt.key || p.String() != tt.key || p.IsZero() != (tt.key == "") {
				t.Errorf("key is %q, want %q", p.Key(), tt.key)
			}
		})
	}
}

func TestPhoneIsValid(t *testing.T) {
	for number, want := range map[string]bool{"+919999888898": true, "+12005550123": false, "+447400123456": true} {
		p, err := normal.ParsePhone(number, "")
		if err != nil || p.IsValid() != want {
			t.Errorf("%s: %v, %v", number, p.IsValid(), err)
		}
	}
}

func TestPhoneTakesText(t *testing.T) {
	for number, want := range map[string]struct {
		text   bool
		region string
	}{
		"+447400123456": {true, "GB"},
		"+919876543210": {true, "IN"},
		"+12125550123":  {true, "US"},
		"+442079460123": {false, "GB"},
		"+449012345678": {false, "GB"}, // premium
		"+919":          {false, ""},
	} {
		p, err := normal.ParsePhone(number, "")
		if err != nil && want.region != "" {
			t.Fatal(err)
		}
		if p.TakesText() != want.text || p.Region() != want.region {
			t.Errorf("%s: %v, %q", number, p.TakesText(), p.Region())
		}
	}
}

func TestPhoneTextable(t *testing.T) {
	tests := []struct {
		number    string
		countries []string
		why       normal.Reason
	}{
		{"+447400123456", []string{"IN", "GB"}, ""},
		{"+12125550123", []string{"US"}, ""}, // mobile and fixed alike
		{"+447400123456", []string{"IN"}, normal.Country},
		{"+447400123456", nil, normal.Country},
		{"+12125550123", []string{"CA"}, normal.Country}, // one code, two countries
		{"+442079460123", []string{"GB"}, normal.NotTexted},
		{"+449012345678", []string{"GB"}, normal.NotTexted},  // premium
		{"+448431234567", []string{"GB"}, normal.NotTexted},  // shared cost
		{"+448001234567", []string{"GB"}, normal.NotTexted},  // free
		{"+447640123456", []string{"GB"}, normal.NotTexted},  // pager
		{"+979123456789", []string{"001"}, normal.NotTexted}, // premium in every country
		{"+12005550123", []string{"US"}, normal.NotAssigned},
	}
	for _, tt := range tests {
		p, err := normal.ParsePhone(tt.number, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := reason(t, p.Textable(tt.countries)); got != tt.why {
			t.Errorf("%s in %v: %q, want %q", tt.number, tt.countries, got, tt.why)
		}
	}
	if got := reason(t, normal.Phone{}.Textable([]string{"GB", ""})); got != normal.NotAssigned {
		t.Errorf("no number: %q", got)
	}
}

func checkPhone(t interface {
	Errorf(string, ...any)
}, s, region string,
) {
	p, err := normal.ParsePhone(s, region)
	if err != nil {
		return
	}
	key := p.Key()
	if len(key) < 4 || len(key) > 16 || key[0] != '+' {
		t.Errorf("%q became %q", s, key)
	}
	again, err := normal.ParsePhone(key, "")
	if err != nil || again.Key() != key {
		t.Errorf("key %q of %q is not canonical: %q, %v", key, s, again.Key(), err)
	}
	n, err := phonenumbers.Parse(key, "")
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		t.Errorf("%q is not possible: %v", key, err)
	}
}

func TestPhoneKeyIsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{4,17}`).Draw(t, "digits")
		region := rapid.SampledFrom([]string{"", "IN", "GB", "US", "IT", "DE", "RU", "BR", "AR", "MX"}).Draw(t, "region")
		checkPhone(t, digits, region)
		checkPhone(t, "+"+digits, region)
		a, errA := normal.ParsePhone("+"+digits, "")
		b, errB := normal.ParsePhone(fmt.Sprintf("+%s (%s) %s", digits[:2], digits[2:3], digits[3:]), "")
		if a != b || (errA == nil) != (errB == nil) {
			t.Errorf("punctuation counts: %q (%v), %q (%v)", a, errA, b, errB)
		}
	})
}

func FuzzParsePhone(f *testing.F) {
	for _, s := range []string{"+447911123456", "07911 123456", "+1 (212) 555-0123", "112", "+", "", "+80012345678", "+5491123456789"} {
		f.Add(s, "GB")
		f.Add(s, "")
	}
	f.Add("9", "001")
	f.Fuzz(func(t *testing.T, s, region string) {
		if _, err := normal.ParsePhone(s, region); err != nil {
			_ = reason(t, err)
		}
		checkPhone(t, s, region)
	})
}
