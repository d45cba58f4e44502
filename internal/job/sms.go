package job

// KindSMS is a text message to one phone; its payload is SMS.
const KindSMS = "sms"

// SMS is what the domain says of a text message, and effect/sms writes it from.
type SMS struct {
	To       string            `json:"to"`       // E.164
	Template string            `json:"template"` // a message of effect/sms, as "otp"
	Lang     string            `json:"lang,omitempty"`
	Data     map[string]string `json:"data,omitempty"`
}
