package mail

import (
	"testing"

	"github.com/usher-id/usher/internal/job"
)

// Given a one-time code, then its mail has the contract's words (sunbird.md, B.7):
// people's filters know them.
func TestOneTimeCodeHasTheContractsWords(t *testing.T) {
	const want = "Hello,\n\nOne time password to verify your e-mail address on DIKSHA is 482915. This is valid for 30 minutes only.\n\n" +
		"Do not pass it on: nobody of ours asks for it. If you did not ask for this, leave it alone: without it nothing happens.\n"
	m, err := newSender(t, &kept{}).Compose(job.Mail{
		To: "ada@example.org", Template: "otp", Data: map[string]string{"site": "DIKSHA", "code": "482915", "minutes": "30"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "OTP to verify Email" || m.Text != want {
		t.Errorf("subject %q, text %q", m.Subject, m.Text)
	}
}

// Given a message that nobody put the code into, then no mail is written.
func TestOneTimeCodeNeedsItsCode(t *testing.T) {
	s := newSender(t, &kept{})
	for lang := range languages {
		if m, err := s.Compose(job.Mail{
			To: "ada@example.org", Template: "otp", Lang: lang, Data: map[string]string{"site": "DIKSHA", "minutes": "30"},
		}); err == nil {
			t.Errorf("%s: %q", lang, m.Text)
		}
	}
}
