package portal

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// texts are what the door says in one language: those of Django REST framework,
// which the apps show to people (contract portal.md).
type texts struct {
	lang                                                                                    string
	noCredentials, noToken, spaces, badToken, forbidden, notFound, unavailable, malformed   string
	tooLarge, noData, null, blank, email, phone, notString                                  string
	methodFormat, mediaFormat, dictionaryFormat, booleanFormat, choiceFormat, tooLongFormat string
}

func (t texts) notAllowed(method string) string  { return fmt.Sprintf(t.methodFormat, method) }
func (t texts) unsupported(media string) string  { return fmt.Sprintf(t.mediaFormat, media) }
func (t texts) notDictionary(kind string) string { return fmt.Sprintf(t.dictionaryFormat, kind) }
func (t texts) notBoolean(v string) string       { return fmt.Sprintf(t.booleanFormat, v) }
func (t texts) notChoice(v string) string        { return fmt.Sprintf(t.choiceFormat, v) }
func (t texts) tooLong(most int) string          { return fmt.Sprintf(t.tooLongFormat, most) }

// The languages. Made once and never written to. What the original's own code says
// is English in both.
var (
	english = texts{
		lang:          "en",
		noCredentials: "Authentication credentials were not provided.",
		noToken:       "Invalid Authorization header. No credentials provided",
		spaces:        "Invalid Authorization header. Credentials string should not contain spaces.",
		badToken:      "Invalid Authorization header. Unable to verify bearer token",
		forbidden:     "You do not have permission to perform this action.",
		notFound:      "Not found.",
		unavailable:   "The service cannot do this at the moment. Please try again.",
		malformed:     "Malformed request.",
		tooLarge:      "The request is too large.",
		noData:        "No data provided",
		null:          "This field may not be null.",
		blank:         "This field may not be blank.",
		email:         "Enter a valid email address.",
		phone:         "Use the format +99999999. From 8 to 15 digits allowed",
		notString:     "Not a valid string.",

		methodFormat: `Method "%s" not allowed.`, mediaFormat: `Unsupported media type "%s" in request.`,
		dictionaryFormat: "Invalid data. Expected a dictionary, but got %s.",
		booleanFormat:    `"%s" is not a valid boolean.`, choiceFormat: `"%s" is not a valid choice.`,
		tooLongFormat: "Ensure this field has no more than %d characters.",
	}
	italian = texts{ //nolint:gosec // what is said of credentials
		lang:          "it",
		noCredentials: "Non sono state immesse le credenziali di autenticazione.",
		noToken:       english.noToken, spaces: english.spaces, badToken: english.badToken,
		forbidden:   "Non hai l'autorizzazione per eseguire questa azione.",
		notFound:    "Non trovato.",
		unavailable: "Il servizio non è disponibile al momento. Riprova.", //nolint:misspell // Italian
		malformed:   "Richiesta malformata.",
		tooLarge:    "La richiesta è troppo grande.",
		noData:      "Nessun dato fornito",
		null:        "Il campo non può essere nullo.",
		blank:       "Questo campo non può essere omesso.",
		email:       "Inserisci un indirizzo email valido.",
		phone:       "Usa il formato +99999999. Sono ammesse da 8 a 15 cifre",
		notString:   "Non è una stringa valida.",

		methodFormat: `Metodo "%s" non consentito`, mediaFormat: `Tipo di media "%s" non supportato.`,
		dictionaryFormat: "Dati non validi. È previsto un dizionario, ma si è ottenuto %s.",
		booleanFormat:    `"%s" non è un valido valore booleano.`, choiceFormat: `"%s" non è una scelta valida.`,
		tooLongFormat: "Assicurati che questo campo non abbia più di %d caratteri.",
	}
	languages = language.NewMatcher([]language.Tag{language.English, language.Italian})
)

// texts are those of the language that a request asks for, else policy's.
func (d *Door) texts(r *http.Request) texts {
	header := r.Header.Get("Accept-Language")
	fallback := english
	if d.Policies.Current().Portal.Language == "it" {
		fallback = italian
	}
	switch header { // what browsers and the apps send most
	case "":
		return fallback
	case "en":
		return english
	case "it":
		return italian
	}
	tags, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(tags) == 0 {
		return fallback
	}
	switch _, i, sure := languages.Match(tags...); {
	case sure == language.No:
		return fallback
	case i == 1:
		return italian
	default:
		return english
	}
}

// typeName is what Python calls the type of a JSON value.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case string:
		return "str"
	case bool:
		return "bool"
	case []any:
		return "list"
	case map[string]any:
		return "dict"
	case float64:
		if v == float64(int64(v)) {
			return "int"
		}
		return "float"
	default:
		return strings.TrimPrefix(fmt.Sprintf("%T", v), "*")
	}
}
