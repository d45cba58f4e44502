package policy_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/policy"
	"github.com/usher-id/usher/internal/user"
)

// Given a file that names a few things, when it is read, then those hold and
// everything it does not name, or leaves empty, keeps its default.
func TestParseKeepsDefaults(t *testing.T) {
	with := func(change func(*policy.Policy)) policy.Policy {
		p := policy.Default()
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		doc  string
		want policy.Policy
	}{
		"nothing":           {"", policy.Default()},
		"a comment":         {"# all as it is\n", policy.Default()},
		"headings alone":    {"sources:\nauthority:\npasswords:\nlimits:\nresponse_floor:\n", policy.Default()},
		"a source beside":   {"sources: {partner:hr: {trust: untrusted}}", with(func(p *policy.Policy) { p.Sources["partner:hr"] = policy.SourceRule{Trust: policy.Untrusted} })},
		"one limit":         {"limits: {account_failures: 3}", with(func(p *policy.Policy) { p.Limits.AccountFailures = 3 })},
		"days":              {"linking: {phone_proof_max_age: 90d}", with(func(p *policy.Policy) { p.Linking.PhoneProof = policy.Duration(90 * 24 * time.Hour) })},
		"minutes":           {"limits: {account_window: 20m}", with(func(p *policy.Policy) { p.Limits.AccountWindow = policy.Duration(20 * time.Minute) })},
		"no floor":          {"response_floor: 0s", with(func(p *policy.Policy) { p.ResponseFloor = 0 })},
		"the longest floor": {"response_floor: 5s", with(func(p *policy.Policy) { p.ResponseFloor = policy.Duration(5 * time.Second) })},
		"an authority":      {"authority: {given_name: [partner, person]}", with(func(p *policy.Policy) { p.Authority["given_name"] = []string{"partner", "person"} })},
		"a password length": {"passwords: {partner: {min_length: 12}}", with(func(p *policy.Policy) { p.Passwords["partner"] = policy.PasswordRule{MinLength: 12, Blocklist: true} })},
		"no blocklist": {"passwords: {partner: {min_length: 12, blocklist: false}}", with(func(p *policy.Policy) {
			p.Passwords["partner"] = policy.PasswordRule{MinLength: 12}
		})},
		"an EDI number":  {"edi: {edi_id: sha256}", with(func(p *policy.Policy) { p.EDI.ID = "sha256" })},
		"an EDI service": {"edi: {redirects: ['https://portal.example.org']}", with(func(p *policy.Policy) { p.EDI.Redirects = []string{"https://portal.example.org"} })},
	} {
		got, err := policy.Parse([]byte(c.doc))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

// The defaults of design section 3, said once more: 180 days, five failures in
// 15 minutes, 300 ms.
func TestDefaults(t *testing.T) {
	p := policy.Default()
	if time.Duration(p.Linking.PhoneProof) != 180*24*time.Hour || p.Limits.AccountFailures != 5 ||
		time.Duration(p.Limits.AccountWindow) != 15*time.Minute || p.Limits.AccountTotal != 100 ||
		time.Duration(p.ResponseFloor) != 300*time.Millisecond {
		t.Errorf("%+v", p)
	}
	if r := p.Password(user.DoorPartner); r.MinLength != 8 || !r.Blocklist {
		t.Errorf("partner passwords: %+v", r)
	}
	if r := p.Password(user.DoorSunbird); r.MinLength != 15 || !r.Blocklist {
		t.Errorf("a door that is not named: %+v", r)
	}
}

// Given a file that cannot be meant, then the error says where: the line of an
// unknown key, the key of a value that cannot be.
func TestParseRefuses(t *testing.T) {
	for doc, says := range map[string]string{
		"limits:\n  account_failures: 3\n  acount_window: 15m\n": "line 3",
		"\n\nsuorces: {}\n": "line 3",
		"passwords:\n  partner:\n    min_length: 8\n    blockist: false\n": "line 4",
		"sources:\n  partner: {trust: trusted, grade: 1}\n":                "line 2",
		"limits:\n  account_window: soon\n":                                "line 2",
		"limits: {account_window: 15}":                                     "15m",
		"limits: {account_window: -15m}":                                   "-15m",
		"linking: {phone_proof_max_age: -1d}":                              "-1d",
		"linking: {phone_proof_max_age: 200000d}":                          "200000d",
		"linking: {phone_proof_max_age: 1d2}":                              "1d2",
		"limits: {account_window: 0s}":                                     "account_window",
		"limits: {account_failures: 0}":                                    "at least 1",
		"sources: {partner: {trust: maybe}}":                               "sources.partner.trust",
		"sources: {partner: {}}":                                           "sources.partner.trust",
		"passwords: {partner: {min_length: 0}}":                            "passwords.partner.min_length",
		"passwords: {partner: {min_length: 129}}":                          "passwords.partner.min_length",
		"authority: {given_name: []}":                                      "authority.given_name",
		"edi: {redirects: ['http://portal.example.org']}":                  "edi.redirects",
		"edi: {edi_id: serial}":                                            "edi.edi_id",
		"response_floor: 5001ms":                                           "response_floor is 5.001s; it can be 0s to 5s",
		"response_floor: -1ms":                                             "-1ms",
		"response_floor: 300":                                              "300",
		"partner: {echo_password_hash: plain}":                             "partner.echo_password_hash",
		"edi: {edi_id: uuid}\n---\nedi: {edi_id: uuid}\n":                  "more than one document",
		"limits: [1]": "line 1",
		"\t":          "reading the policy",
	} {
		p, err := policy.Parse([]byte(doc))
		if err == nil {
			t.Errorf("%q was taken: %+v", doc, p)
		} else if !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q does not say %q", doc, err, says)
		}
	}
}

// A source is graded by its full name, then by its door, else untrusted.
func TestTrust(t *testing.T) {
	p, err := policy.Parse([]byte("sources: {partner:hr: {trust: untrusted}, partner:registry: {trust: authoritative}}"))
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[user.Source]policy.Grade{
		"partner:hr":       policy.Untrusted,
		"partner:registry": policy.Authoritative,
		"partner:__system": policy.Trusted,
		"partner":          policy.Trusted,
		"operator":         policy.Trusted,
		"edi":              policy.Untrusted,
		"google":           policy.Untrusted,
		"":                 policy.Untrusted,
	} {
		if got := p.Trust(source); got != want {
			t.Errorf("%q: %s, want %s", source, got, want)
		}
	}
	for grade, want := range map[policy.Grade]user.Assurance{
		policy.Untrusted: user.Asserted, policy.Trusted: user.Attested, policy.Authoritative: user.Proven, "": user.Asserted,
	} {
		if got := grade.Word(); got != want {
			t.Errorf("the word of a source that is %q: %s, want %s", grade, got, want)
		}
	}
}
