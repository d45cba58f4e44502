package password

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// maxKeycloakText bounds each of the two documents, in bytes.
const maxKeycloakText = 4096

// keycloakData and keycloakSecret are what Keycloak keeps of a password, in
// the columns credential_data and secret_data and in a realm's export.
// Keycloak writes each parameter as a list of one text.
type (
	keycloakData struct {
		Algorithm  string              `json:"algorithm"`
		Iterations uint32              `json:"hashIterations"`
		Parameters map[string][]string `json:"additionalParameters"`
	}
	keycloakSecret struct {
		Value string `json:"value"` // padded base64
		Salt  string `json:"salt"`  // padded base64
	}
)

// FromKeycloak reads a password credential of Keycloak: pbkdf2 (SHA-1),
// pbkdf2-sha256, pbkdf2-sha512, argon2 (id and i, version 1.3). The Hash has a
// text like others; errors are those of ParseHash.
func FromKeycloak(credentialData, secretData string) (Hash, error) {
	var data keycloakData
	var secret keycloakSecret
	for _, doc := range []struct {
		name, text string
		into       any
	}{{"credentialData", credentialData, &data}, {"secretData", secretData, &secret}} {
		// The decoder's own error would repeat parts of the text.
		if len(doc.text) > maxKeycloakText || json.Unmarshal([]byte(doc.text), doc.into) != nil {
			return Hash{}, fmt.Errorf("%w: Keycloak's %s is not the JSON it should be", ErrFormat, doc.name)
		}
	}
	salt, okSalt := decode(base64.StdEncoding, secret.Salt, 8, 64)
	sum, okSum := decode(base64.StdEncoding, secret.Value, 16, 64)
	if !okSalt || !okSum {
		return Hash{}, fmt.Errorf("%w: Keycloak's salt or value is not base64 of 8 to 64 or 16 to 64 bytes", ErrFormat)
	}
	switch data.Algorithm {
	case "pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512":
		b64 := pbkdf2Base64()
		return ParseHash(fmt.Sprintf("$%s$%d$%s$%s", data.Algorithm, data.Iterations,
			b64.EncodeToString(salt), b64.EncodeToString(sum)))
	case "argon2":
		if data.parameter("version") != "1.3" {
			return Hash{}, fmt.Errorf("%w: of Keycloak's argon2 usher knows version 1.3", ErrFormat)
		}
		b64 := base64.RawStdEncoding
		return ParseHash(fmt.Sprintf("$argon2%s$v=19$m=%s,t=%d,p=%s$%s$%s", data.parameter("type"),
			data.parameter("memory"), data.Iterations, data.parameter("parallelism"),
			b64.EncodeToString(salt), b64.EncodeToString(sum)))
	default:
		return Hash{}, fmt.Errorf("%w: of Keycloak's algorithms usher knows pbkdf2, pbkdf2-sha256, pbkdf2-sha512 and argon2", ErrFormat)
	}
}

func (d keycloakData) parameter(name string) string {
	if values := d.Parameters[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}
