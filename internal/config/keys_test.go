package config

import (
	"strings"
	"testing"
)

// The names are the operator's contract: a rename breaks installations.
const allKeys = `listen internal_listen public_url data database_url dev config policy key_file key node
hosts trusted_proxies log_level log_format drain_delay drain_timeout
mail.from mail.reply_to mail.smtp.host mail.smtp.port mail.smtp.username mail.smtp.password mail.smtp.tls mail.smtp.timeout mail.smtp.helo
sms.gateway.url sms.gateway.method sms.gateway.headers sms.gateway.content_type sms.gateway.body sms.gateway.success sms.gateway.timeout
doors.portal.enabled doors.portal.host doors.portal.issuer doors.portal.client_id
doors.portal.admin_client_id doors.portal.admin_client_secret doors.portal.authoritative
doors.partner.enabled doors.partner.host doors.partner.internal_secret
doors.partner.oidc.name doors.partner.oidc.issuer doors.partner.oidc.client_ids doors.partner.oidc.authoritative doors.partner.oidc.tokeninfo_url
doors.sunbird.enabled doors.sunbird.host doors.sunbird.google.client_ids doors.sunbird.google.client_secret doors.sunbird.google.issuer doors.sunbird.google.jwks_url doors.sunbird.google.tokeninfo_url
doors.edi.enabled doors.edi.host doors.edi.issuer doors.edi.hd doors.edi.token_key doors.edi.trusted_public_key
doors.edi.providers.NAME.issuer doors.edi.providers.NAME.client_id doors.edi.providers.NAME.client_secret doors.edi.providers.NAME.scope doors.edi.providers.NAME.authoritative
doors.gqlauth.enabled doors.gqlauth.host doors.gqlauth.secret_key`

func TestEveryKeyIsDocumented(t *testing.T) {
	var names []string
	variables := map[string]string{}
	for _, k := range Keys() {
		names = append(names, k.Key)
		if k.Doc == "" || k.Allowed == "" || k.Kind == "" {
			t.Errorf("%s says too little: %+v", k.Key, k)
		}
		if other, taken := variables[k.Env]; taken {
			t.Errorf("%s and %s share %s", k.Key, other, k.Env)
		}
		variables[k.Env] = k.Key
		if k.Flag != "--"+k.Key {
			t.Errorf("flag of %s: %s", k.Key, k.Flag)
		}
		for _, word := range []string{"secret", "password", "token_key"} {
			if strings.Contains(k.Key, word) && !k.Secret {
				t.Errorf("%s would be shown", k.Key)
			}
		}
	}
	if got, want := strings.Join(names, " "), strings.Join(strings.Fields(allKeys), " "); got != want {
		t.Errorf("keys\n got %s\nwant %s", got, want)
	}
	if variables["USHER_DOORS_GQLAUTH_SECRET_KEY"] != "doors.gqlauth.secret_key" {
		t.Error("a nested key's variable is its path joined by _")
	}
}

func TestTableHoldsEveryKey(t *testing.T) {
	var b strings.Builder
	if err := WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != len(Keys())+2 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		if strings.Count(line, "|") != 6 {
			t.Errorf("not five columns: %s", line)
		}
	}
}
