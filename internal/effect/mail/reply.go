package mail

import (
	"errors"
	"regexp"
	"strings"
	"unicode"

	"github.com/usher-id/usher/internal/job"
)

// maxReply is how many characters of a server's answer are kept.
const maxReply = 240

var (
	anAddress = regexp.MustCompile(`[^\s<>()"',;:=]+(@|%40)[^\s<>()"',;]+`)
	aLink     = regexp.MustCompile(`(?i)(https?://[^\s/?#<>"]+)[^\s<>"]*`)
)

// tell makes an error fit to be kept and logged. Servers repeat the recipient,
// and some quote the links of a mail that they do not like.
func (s *SMTP) tell(err error, to string) error {
	told := errors.New(tidy(err.Error(), to, s.options.Password))
	if job.IsPermanent(err) {
		return job.Permanent(told)
	}
	return told
}

func tidy(text, to, password string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsGraphic(r)
	}), " ")
	if password != "" {
		text = strings.ReplaceAll(text, password, "(secret)")
	}
	text = aLink.ReplaceAllString(text, "$1/…")
	text = anAddress.ReplaceAllString(text, "(address)")
	if local, _, _ := strings.Cut(to, "@"); len(local) > 2 {
		text = regexp.MustCompile(`(?i)(^|[^\pL\pN])`+regexp.QuoteMeta(local)+`($|[^\pL\pN])`).ReplaceAllString(text, "$1(address)$2")
	}
	if r := []rune(text); len(r) > maxReply {
		text = string(r[:maxReply]) + "…"
	}
	return text
}
