package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/policy"
)

// Each value of each attribute of the portal's, by the table of fields of the contract.
func TestFaultsOfValues(t *testing.T) {
	const (
		choice = policy.NotAChoice
		phone  = policy.NotAPhone
		long   = policy.TooLong
		none   = policy.NotText
	)
	attributes := policy.Default().Portal.Attributes
	for _, c := range []struct {
		attribute, value string
		want             []policy.Fault
	}{
		{"gender", "female", nil},
		{"gender", "male", nil},
		{"gender", "", []policy.Fault{choice}},
		{"gender", "Male", []policy.Fault{choice}},
		{"gender", " male", []policy.Fault{choice}},
		{"age", "< 19", nil},
		{"age", "19 - 30", nil},
		{"age", "30 - 65", nil},
		{"age", "65+", nil},
		{"age", "<19", []policy.Fault{choice}},
		{"age", "40", []policy.Fault{choice}},
		{"occupation", "astronaut", []policy.Fault{choice}},
		{"phone_number", "", nil},
		{"phone_number", "+12345678", nil},
		{"phone_number", "+123456789012345", nil},
		{"phone_number", "+1234567", []policy.Fault{phone}},
		{"phone_number", "12345678", []policy.Fault{phone}},
		{"phone_number", "+1234567890123456", []policy.Fault{phone, long}},
		{"phone_number", "+12345678\n", []policy.Fault{phone}},
		{"phone_number", "+1 2345678", []policy.Fault{phone}},
		{"phone_number", "+१२३४५६७८", []policy.Fault{phone}},
		{"phone_number", strings.Repeat("x", 17), []policy.Fault{phone, long}},
		{"bio", "", nil},
		{"bio", strings.Repeat("é", policy.DefaultLength), nil},
		{"bio", strings.Repeat("é", policy.DefaultLength+1), []policy.Fault{long}},
		{"bio", "a\x00b", []policy.Fault{none}},
		{"bio", "a\xffb", []policy.Fault{none}},
		{"gender", "male\x00", []policy.Fault{none}},
		{"uses_car_sharing", "yes", nil},
		{"uses_car_sharing", "no", nil},
		{"uses_car_sharing", "True", []policy.Fault{choice}},
		{"uses_car_sharing", "", []policy.Fault{choice}},
		{"public_transport_usage", "seasonal", []policy.Fault{choice}},
		{"bicycle_usage", "seasonal", nil},
	} {
		a, ok := attributes[c.attribute]
		if !ok {
			t.Fatalf("there is no %s", c.attribute)
		}
		if got := a.Faults(c.value); !slices.Equal(got, c.want) {
			t.Errorf("%s %q: %v, want %v", c.attribute, c.value, got, c.want)
		}
	}
}

// The occupations are those of the contract, in its order, and every one is taken.
func TestOccupations(t *testing.T) {
	want := strings.Fields(`insurance_agent trading_agent freelancer architect craftsman artist lawyer housewife accountant dealer
		shop_assistant consultant public_agency_employee private_sector_employee manager public_agency_manager pharmacist surveyor
		journalist entrepreneur engineer teacher doctor unemployed notary worker retired politician university_professor trainee
		professional_athlete high_school_student college_student`)
	a := policy.Default().Portal.Attributes["occupation"]
	if !slices.Equal(a.Choices(), want) {
		t.Errorf("%v", a.Choices())
	}
	for _, o := range want {
		if f := a.Faults(o); len(f) > 0 {
			t.Errorf("%s: %v", o, f)
		}
	}
}

// Every choice that people see has a text in every language.
func TestEveryChoiceHasATextInEveryLanguage(t *testing.T) {
	c := policy.Default().Portal
	for name, a := range c.Attributes {
		for _, l := range policy.Languages() {
			if a.Labels[l] == "" {
				t.Errorf("%s has no text in %s", name, l)
			}
			for _, v := range a.Values {
				if a.ValueLabels[v][l] == "" {
					t.Errorf("%s %s has no text in %s", name, v, l)
				}
			}
		}
	}
	for name, p := range c.Profiles {
		for _, l := range policy.Languages() {
			if p.Title[l] == "" {
				t.Errorf("%s has no title in %s", name, l)
			}
		}
	}
}
