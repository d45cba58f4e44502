package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestASecretMayBeInAFile(t *testing.T) {
	inEmptyFolder(t)
	const secret = "thirty-two characters and some more"
	for name, content := range map[string]string{
		"bare": secret, "with the end of a line": secret + "\n", "of another system": secret + "\r\n",
	} {
		c := mustLoad(t, Sources{Environ: []string{"USHER_DOORS_PARTNER_INTERNAL_SECRET_FILE=" + writeFile(t, "secret", content)}})
		if got := c.Doors.Partner.InternalSecret; got != secret {
			t.Errorf("%s: %q", name, got)
		}
	}
	// Blanks are the secret's own.
	c := mustLoad(t, Sources{Environ: []string{"USHER_MAIL_SMTP_PASSWORD_FILE=" + writeFile(t, "secret", " a b \n\n")}})
	if got := c.Mail.SMTP.Password; got != " a b \n" {
		t.Errorf("%q", got)
	}
}

func TestKeyFileIsAKeyOfItsOwn(t *testing.T) {
	inEmptyFolder(t)
	if c := mustLoad(t, Sources{Environ: []string{"USHER_KEY_FILE=/not/there"}}); c.KeyFile != "/not/there" || c.Key != nil {
		t.Errorf("%q %v", c.KeyFile, c.Key)
	}
}

func TestSecretFilesThatAreRefused(t *testing.T) {
	inEmptyFolder(t)
	good, missing := writeFile(t, "good", "hunter2hunter2"), filepath.Join(t.TempDir(), "missing")
	for name, tc := range map[string]struct {
		environ []string
		says    string
	}{
		"missing":     {[]string{"USHER_MAIL_SMTP_PASSWORD_FILE=" + missing}, "mail.smtp.password (USHER_MAIL_SMTP_PASSWORD_FILE): open " + missing},
		"a folder":    {[]string{"USHER_MAIL_SMTP_PASSWORD_FILE=" + t.TempDir()}, "is a directory"},
		"empty path":  {[]string{"USHER_MAIL_SMTP_PASSWORD_FILE="}, "mail.smtp.password (USHER_MAIL_SMTP_PASSWORD_FILE)"},
		"too large":   {[]string{"USHER_MAIL_SMTP_PASSWORD_FILE=" + writeFile(t, "large", strings.Repeat("x", 70_000))}, "too large"},
		"no secret":   {[]string{"USHER_LISTEN_FILE=" + good}, "unknown key USHER_LISTEN_FILE"},
		"both":        {[]string{"USHER_MAIL_SMTP_PASSWORD=a", "USHER_MAIL_SMTP_PASSWORD_FILE=" + good}, "set twice, by USHER_MAIL_SMTP_PASSWORD and USHER_MAIL_SMTP_PASSWORD_FILE"},
		"not allowed": {[]string{"USHER_DATABASE_URL_FILE=" + good}, "database_url (USHER_DATABASE_URL_FILE) is a secret of 14 characters"},
	} {
		_, err := Load(Sources{Environ: tc.environ})
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFlagWinsOverASecretFile(t *testing.T) {
	inEmptyFolder(t)
	c := mustLoad(t, Sources{
		Flags:   map[string]string{"mail.smtp.password": "flag"},
		Environ: []string{"USHER_MAIL_SMTP_PASSWORD_FILE=" + writeFile(t, "secret", "file")},
	})
	if c.Mail.SMTP.Password != "flag" {
		t.Errorf("%q", c.Mail.SMTP.Password)
	}
}
