package web

import "strings"

// portalTexts are what the portal's pages say, in English and Italian; %1 and %2
// stand for what is put in. Made once, never written to.
var portalTexts = map[string][2]string{
	"home.title":        {"%1", "%1"},
	"home.welcome":      {"Welcome to %1", "Benvenuto su %1"},
	"home.lead":         {"Sign in, or register: it takes a minute.", "Accedi oppure registrati: basta un minuto."},
	"home.sign-in":      {"Sign in", "Accedi"},
	"home.register":     {"Register", "Registrati"},
	"home.hello":        {"Hello %1", "Ciao %1"},
	"home.hello-nobody": {"Hello", "Ciao"},
	"home.complete":     {"Your profile is complete. All of %1 is open to you.", "Il tuo profilo è completo. Tutto %1 è a tua disposizione."},
	"home.groups":       {"Your groups", "I tuoi gruppi"},

	"nav.home":     {"Home", "Pagina iniziale"},
	"nav.profile":  {"My profile", "Il mio profilo"},
	"nav.requests": {"Review requests", "Esamina le richieste"},
	"nav.privacy":  {"Privacy", "Privacy"},
	"nav.sign-out": {"Sign out", "Esci"},

	"notice.saved":   {"Your changes were saved.", "Le modifiche sono state salvate."},
	"notice.asked":   {"Your request for the profile “%1” waits for approval. You get a mail when it is decided.", "La tua richiesta del profilo «%1» è in attesa di approvazione. Riceverai un’e-mail quando verrà decisa."},
	"notice.refused": {"Your last request was not approved:", "La tua ultima richiesta non è stata approvata:"},
	"notice.link":    {"Another account has the address %1. If it is yours, sign in to it, or ask for a new password there: then both can be joined.", "Un altro account usa l’indirizzo %1. Se è tuo, accedi con quello, oppure chiedi lì una nuova password: poi potranno essere uniti."},

	"form.title":       {"Complete your profile", "Completa il tuo profilo"},
	"form.lead":        {"A few facts are needed before %1 opens to you.", "Servono alcuni dati prima di poter usare %1."},
	"form.gate":        {"Please complete your profile before continuing to use the portal", "Completa il tuo profilo prima di continuare a usare il portale"},
	"form.edit":        {"Change your profile", "Modifica il tuo profilo"},
	"form.edit-lead":   {"Your name and e-mail address belong to your sign-in account, and are changed there.", "Il nome e l’indirizzo e-mail appartengono al tuo account di accesso e si cambiano lì."},
	"form.ask":         {"Ask for the profile “%1”", "Richiedi il profilo «%1»"},
	"form.ask-lead":    {"Somebody looks at your request. Until it is approved it opens nothing.", "Qualcuno esaminerà la tua richiesta. Finché non è approvata non dà alcun accesso."},
	"form.ask-button":  {"Send the request", "Invia la richiesta"},
	"form.save":        {"Save", "Salva"},
	"form.optional":    {"(optional)", "(facoltativo)"},
	"form.choose":      {"Choose…", "Scegli…"},
	"form.error":       {"Error", "Errore"},
	"form.wrong":       {"Nothing was saved. Please look at:", "Non è stato salvato nulla. Controlla:"},
	"form.others":      {"Something else?", "Qualcos’altro?"},
	"form.others-hint": {"These profiles have to be approved.", "Questi profili devono essere approvati."},

	"wrong.missing": {"This is needed.", "Questo dato è necessario."},
	"wrong.terms":   {"Please accept the terms of service to continue.", "Accetta i termini di servizio per continuare."},
	"wrong.choice":  {"Choose one of the list.", "Scegli un valore dell’elenco."},
	"wrong.phone":   {"Use the format +99999999. From 8 to 15 digits allowed", "Usa il formato +99999999. Sono ammesse da 8 a 15 cifre"},
	"wrong.long":    {"This is too long.", "Il testo è troppo lungo."},
	"wrong.text":    {"This text has characters that cannot be kept.", "Il testo contiene caratteri non ammessi."},
	"wrong.reason":  {"Say why, in up to 1,000 characters: the applicant reads it.", "Indica il motivo, in al massimo 1000 caratteri: il richiedente lo leggerà."},

	"field.name":          {"Name", "Nome"},
	"field.email":         {"E-mail", "E-mail"},
	"field.nickname":      {"Nickname", "Soprannome"},
	"help.nickname":       {"What others see.", "Quello che vedono gli altri."},
	"field.language":      {"Language", "Lingua"},
	"field.profile":       {"Profile", "Profilo"},
	"field.terms":         {"I accept the terms of service", "Accetto i termini di servizio"},
	"field.terms-link":    {"read them", "leggili"},
	"field.terms-version": {"Terms accepted (version)", "Termini accettati (versione)"},
	"value.yes":           {"Yes", "Sì"},
	"value.no":            {"No", "No"},

	"attr.given_name":         {"First name", "Nome"},
	"attr.family_name":        {"Last name", "Cognome"},
	"attr.name":               {"Whole name", "Nome completo"},
	"attr.email":              {"E-mail", "E-mail"},
	"attr.email_verified":     {"E-mail verified", "E-mail verificata"},
	"attr.preferred_username": {"Username", "Nome utente"},
	"attr.locale":             {"Language", "Lingua"},
	"attr.nickname":           {"Nickname", "Soprannome"},
	"attr.picture":            {"Picture", "Immagine"},
	"attr.birthdate":          {"Birthday", "Data di nascita"},
	"attr.roles":              {"Roles", "Ruoli"},

	"who.you":      {"you", "tu"},
	"who.usher":    {"made of the rest", "ricavato dal resto"},
	"who.proven":   {"proven (%1)", "provato (%1)"},
	"who.attested": {"confirmed by %1", "confermato da %1"},
	"who.asserted": {"said by %1", "detto da %1"},

	"profile.title":      {"My profile", "Il mio profilo"},
	"profile.edit":       {"Change", "Modifica"},
	"profile.facts":      {"Who vouches for what", "Chi garantisce cosa"},
	"profile.facts-hint": {"Every fact that is kept of you, and where it comes from.", "Ogni dato che conserviamo su di te, e da dove viene."},
	"profile.fact":       {"Fact", "Dato"},
	"profile.value":      {"Value", "Valore"},
	"profile.who":        {"Source", "Fonte"},
	"profile.since":      {"Since", "Dal"},
	"profile.requests":   {"My requests", "Le mie richieste"},
	"profile.waiting":    {"“%1” waits for approval.", "«%1» è in attesa di approvazione."},
	"profile.approved":   {"Your request was approved.", "La tua richiesta è stata approvata."},
	"profile.none":       {"You have asked for nothing.", "Non hai richieste."},
	"profile.data":       {"My data", "I miei dati"},
	"profile.download":   {"Download all that is kept of me", "Scarica tutto ciò che è conservato su di me"},
	"profile.delete":     {"Delete my account", "Elimina il mio account"},

	"delete.title":   {"Delete your account", "Elimina il tuo account"},
	"delete.lead":    {"All that %1 keeps of you is erased, at every service that shares it. This cannot be undone.", "Tutto ciò che %1 conserva su di te viene cancellato, in ogni servizio che lo condivide. Non si può annullare."},
	"delete.realm":   {"The account that you sign in with is not usher’s: it stays until you delete it there.", "L’account con cui accedi non fa parte di usher: resta finché non lo elimini lì."},
	"delete.confirm": {"Type %1 to confirm", "Scrivi %1 per confermare"},
	"delete.wrong":   {"That is not %1. Nothing was deleted.", "Non corrisponde a %1. Non è stato eliminato nulla."},
	"delete.button":  {"Delete my account for good", "Elimina definitivamente il mio account"},
	"delete.back":    {"Keep my account", "Mantieni il mio account"},

	"deleted.title": {"Your account is deleted", "Il tuo account è stato eliminato"},
	"deleted.lead":  {"%1 keeps nothing of you any more.", "%1 non conserva più nulla su di te."},
	"deleted.link":  {"Home", "Pagina iniziale"},

	"foreign.title":         {"This came from another site", "Questo viene da un altro sito"},
	"foreign.lead":          {"Nothing was changed. Use the form on this site.", "Non è cambiato nulla. Usa il modulo di questo sito."},
	"foreign.link":          {"Home", "Pagina iniziale"},
	"operators.title":       {"For operators only", "Solo per gli operatori"},
	"operators.lead":        {"Your account may not do this. Ask whoever runs this service.", "Il tuo account non può farlo. Rivolgiti a chi gestisce questo servizio."},
	"operators.link":        {"Home", "Pagina iniziale"},
	"complete.title":        {"Your profile is complete", "Il tuo profilo è completo"},
	"complete.lead":         {"There is nothing left to complete. You can change it at any time.", "Non c’è altro da completare. Puoi modificarlo in ogni momento."},
	"complete.link":         {"My profile", "Il mio profilo"},
	"asked-already.title":   {"This cannot be asked for now", "Ora non si può richiedere"},
	"asked-already.lead":    {"Another request of yours waits for a decision, or you have a profile already.", "Un’altra tua richiesta è in attesa di una decisione, oppure hai già un profilo."},
	"asked-already.link":    {"Back", "Indietro"},
	"decided-already.title": {"Nobody waits here", "Qui nessuno aspetta"},
	"decided-already.lead":  {"Somebody has decided this request already, or it was taken back.", "Qualcuno ha già deciso questa richiesta, oppure è stata ritirata."},
	"decided-already.link":  {"All requests", "Tutte le richieste"},
	"busy.title":            {"Signing in does not work at the moment", "Al momento non si può accedere"},
	"busy.lead":             {"The sign-in service cannot be reached. Try again in a moment: nothing is lost.", "Il servizio di accesso non è raggiungibile. Riprova tra poco: non è andato perso nulla."},
	"busy.link":             {"Try again", "Riprova"},
	"over.title":            {"This sign-in is over", "Questo accesso è scaduto"},
	"over.lead":             {"It was used already, took too long, or began in another browser.", "È già stato usato, ha richiesto troppo tempo o è iniziato in un altro browser."},
	"over.link":             {"Sign in again", "Accedi di nuovo"},
	"cancelled.title":       {"You did not sign in", "Non hai effettuato l’accesso"},
	"cancelled.lead":        {"The sign-in was cancelled.", "L’accesso è stato annullato."},
	"cancelled.link":        {"Sign in", "Accedi"},
	"refused.title":         {"You cannot come in", "Non puoi entrare"},
	"refused.lead":          {"The sign-in service did not confirm who you are, or your account is closed. If you think this is wrong, ask whoever runs this service.", "Il servizio di accesso non ha confermato chi sei, oppure il tuo account è chiuso. Se pensi che sia un errore, rivolgiti a chi gestisce questo servizio."},
	"refused.link":          {"Try again", "Riprova"},
	"privacy.title":         {"Privacy", "Privacy"},
	"privacy.lead":          {"%1 keeps what you and your sign-in account tell it, says of every fact who vouches for it, and gives it to nobody who has no use for it. On “My profile” you can see all of it, download it, and delete it.", "%1 conserva ciò che tu e il tuo account di accesso comunicate, indica per ogni dato chi lo garantisce e non lo dà a chi non ne ha bisogno. In «Il mio profilo» puoi vedere tutto, scaricarlo ed eliminarlo."},
	"privacy.link":          {"Back", "Indietro"},

	"requests.title":      {"Requests", "Richieste"},
	"requests.decided":    {"Your decision was kept, and mailed to the applicant.", "La decisione è stata registrata e inviata per e-mail al richiedente."},
	"requests.empty":      {"Nobody waits.", "Nessuno aspetta."},
	"requests.empty-hint": {"Who asks for a profile that needs approval appears here.", "Chi richiede un profilo che va approvato compare qui."},
	"request.asks":        {"%1 asks for “%2”", "%1 richiede «%2»"},
	"request.from":        {"Where they come from", "Da dove arriva"},
	"request.own":         {"This is your own request: somebody else has to decide.", "Questa è la tua richiesta: deve decidere qualcun altro."},
	"request.approve":     {"Approve", "Approva"},
	"request.reason":      {"Reason for refusing", "Motivo del rifiuto"},
	"request.refuse":      {"Refuse", "Rifiuta"},
	"request.history":     {"History", "Storia"},
}

func hasPortalText(key string) bool {
	_, ok := portalTexts[key]
	return ok
}

// portalText gives a text in a language; a key that is not known is shown itself.
func portalText(lang, key string, with ...string) string {
	texts, ok := portalTexts[key]
	if !ok {
		return key
	}
	text := texts[0]
	if lang == "it" {
		text = texts[1]
	}
	if len(with) == 0 {
		return text
	}
	pairs := []string{"%1", with[0]}
	if len(with) > 1 {
		pairs = append(pairs, "%2", with[1])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
