package sqlstore

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// table is where rows of one type are kept: its columns after realm, those of
// its key first, and the statements that follow from them.
type table struct {
	name    string
	keys    int // how many of columns are the key
	columns []string
	// unique says that there is a unique value beside the key, which a put can
	// meet in another row.
	unique bool

	// inserts are of 1, 2, 4 … rows.
	inserts  [widths]string
	put, del string
}

func newTable(name string, keys int, columns string) *table {
	t := &table{name: name, keys: keys, columns: strings.Fields(columns)}
	sets, wheres := []string{}, []string{"realm = $1"}
	for i, c := range t.columns {
		mark := fmt.Sprintf("$%d", i+2)
		if i < keys {
			wheres = append(wheres, c+" = "+mark)
		} else {
			sets = append(sets, c+" = excluded."+c)
		}
	}
	into := "INSERT INTO " + name + " (realm, " + strings.Join(t.columns, ", ") + ")"
	t.inserts = inserts(into, 1+len(t.columns))
	t.put = into + " VALUES (" + marks(1, 1+len(t.columns)) + ") ON CONFLICT (realm, " + strings.Join(t.columns[:keys], ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
	t.del = "DELETE FROM " + name + " WHERE " + strings.Join(wheres, " AND ")
	return t
}

func (t *table) withUnique() *table {
	t.unique = true
	return t
}

// list gives the columns for a SELECT, under an alias.
func (t *table) list(alias string) string {
	return alias + "." + strings.Join(t.columns, ", "+alias+".")
}

// The tables. They are made once and never change.
var (
	users           = newTable("users", 1, "id status epoch profile survivor closed_by created updated closed epoch_at")
	strands         = newTable("strands", 1, "id user_id origin source door kind state document edits created created_by updated updated_by withdrawn withdrawn_by")
	identities      = newTable("identities", 2, "issuer subject user_id strand_id reserved created")
	handles         = newTable("handles", 2, "value space user_id strand_id dead created")
	claims          = newTable("claims", 5, "kind address door user_id strand_id source display assurance since")
	owners          = newTable("owners", 2, "kind address user_id strand_id proven")
	passwords       = newTable("passwords", 2, "user_id strand_id hash imported set_aside set_at")
	locks           = newTable("locks", 2, "user_id source reason by_whom at")
	groups          = newTable("groups", 1, "id kind name parent external_id system attributes created").withUnique()
	memberships     = newTable("memberships", 3, "group_id user_id strand_id role since")
	sessions        = newTable("sessions", 1, "id user_id strand_id door client subject epoch methods proven created expires revoked")
	tokens          = newTable("tokens", 1, "hash kind session_id expires used created")
	accounts        = newTable("accounts", 1, "pk user_id strand_id username username_fold first_address first_key second_address second_key verified created").withUnique()
	mailedTokens    = newTable("mailed_tokens", 1, "record action user_id strand_id address address_key renew sent until used")
	codes           = newTable("codes", 3, "kind address purpose id created until wrong used")
	callers         = newTable("callers", 2, "door name may_attest may_administer created")
	callerTokens    = newTable("caller_tokens", 1, "hash door caller created expires")
	issuers         = newTable("issuers", 3, "door iss channel created")
	issuerKeys      = newTable("issuer_keys", 3, "door iss fingerprint public created until")
	visits          = newTable("visits", 1, "hash kind body created until")
	channelProfiles = newTable("channel_profiles", 2, "strand_id channel user_id type asked asked_at link_pending verdict reason decided decided_by made created updated")
	cursors         = newTable("cursors", 1, "name value at")
	clients         = newTable("clients", 1, "client_id id secret_hash name distinct_errors created")
	throttles       = newTable("throttles", 1, "key failures total since until")
	events          = newTable("events", 1, "id kind user_id actor door at body salt seq body_hash chain")
	jobs            = newTable("jobs", 1, "id kind key user_id payload state due attempts holder until last_err created").withUnique()
	messages        = newTable("messages", 1, "id channel to_address subject text html sent")
	signingKeys     = newTable("signing_keys", 1, "kid state alg public_jwk wrapped created activated retires")
	secrets         = newTable("secrets", 1, "name wrapped created")
	policies        = newTable("policies", 1, "version document by_whom applied")
	ledger          = newTable("ledger", 1, "id kind user_id other_id by_whom reason undo at undone undone_by")
	invalidations   = newTable("invalidations", 1, "seq topic key at")
)

// values gives a row's table and its values in the order of the columns.
func values(row any) (*table, []any, error) {
	switch r := row.(type) {
	case user.User:
		return users, []any{r.ID, r.Status, r.Epoch, doc(r.Profile), r.Survivor, r.ClosedBy, ts(r.Created), ts(r.Updated), ts(r.Closed), ts(r.EpochAt)}, nil
	case user.Strand:
		return strands, []any{
			r.ID, r.User, r.Origin, r.Source, r.Source.Door(), r.Kind, r.State, doc(r.Document), doc(r.Edits),
			ts(r.Created), r.CreatedBy, ts(r.Updated), r.UpdatedBy, ts(r.Withdrawn), r.WithdrawnBy,
		}, nil
	case user.Identity:
		return identities, []any{r.Issuer, r.Subject, r.User, r.Strand, num(r.Reserved), ts(r.Created)}, nil
	case user.Handle:
		return handles, []any{r.Value, r.Space, r.User, r.Strand, num(r.Dead), ts(r.Created)}, nil
	case user.Claim:
		return claims, []any{r.Kind, r.Address, r.Source.Door(), r.User, r.Strand, r.Source, r.Display, r.Assurance, ts(r.Since)}, nil
	case user.Owner:
		return owners, []any{r.Kind, r.Address, r.User, r.Strand, ts(r.Proven)}, nil
	case user.Password:
		return passwords, []any{r.User, r.Strand, r.Hash, r.Imported, num(r.SetAside), ts(r.Set)}, nil
	case user.Lock:
		return locks, []any{r.User, r.Source, r.Reason, r.By, ts(r.At)}, nil
	case user.Group:
		return groups, []any{r.ID, r.Kind, r.Name, r.Parent, r.ExternalID, num(r.System), doc(r.Attributes), ts(r.Created)}, nil
	case user.Membership:
		return memberships, []any{r.Group, r.User, r.Strand, r.Role, ts(r.Since)}, nil
	case user.Session:
		return sessions, []any{
			r.ID, r.User, r.Strand, r.Door, r.Client, r.Subject, r.Epoch, strings.Join(r.Methods, " "),
			ts(r.Proven), ts(r.Created), ts(r.Expires), ts(r.Revoked),
		}, nil
	case user.Token:
		return tokens, []any{bin(r.Hash), r.Kind, r.Session, ts(r.Expires), ts(r.Used), ts(r.Created)}, nil
	case user.Client:
		return clients, []any{r.ClientID, r.ID, bin(r.SecretHash), r.Name, num(r.DistinctErrors), ts(r.Created)}, nil
	case user.Account:
		return accounts, []any{
			r.PK, r.User, r.Strand, r.Username, fold(r.Username), r.First.Display, r.First.Key, r.Second.Display, r.Second.Key,
			num(r.Verified), ts(r.Created),
		}, nil
	case store.MailedToken:
		return mailedTokens, []any{
			bin(r.Record), r.Action, r.User, r.Strand, r.To.Display, r.To.Key, num(r.Renew), ts(r.Sent), ts(r.Until), ts(r.Used),
		}, nil
	default:
		return logValues(row)
	}
}

func logValues(row any) (*table, []any, error) {
	switch r := row.(type) {
	case store.Throttle:
		return throttles, []any{r.Key, r.Failures, r.Total, ts(r.Since), ts(r.Until)}, nil
	case store.Event:
		return events, []any{
			r.ID, r.Kind, r.User, r.Actor, r.Door, ts(r.At), string(r.Body), bin(r.Salt), r.Seq, bin(r.BodyHash), bin(r.Chain),
		}, nil
	case store.Job:
		return jobs, []any{
			r.ID, r.Kind, r.Key, r.User, string(r.Payload), r.State, ts(r.Due), r.Attempts, r.Holder, ts(r.Until), r.LastErr, ts(r.Created),
		}, nil
	case store.Message:
		return messages, []any{r.ID, r.Channel, r.To, r.Subject, r.Text, r.HTML, ts(r.Sent)}, nil
	case store.Key:
		return signingKeys, []any{r.KID, r.State, r.Alg, string(r.PublicJWK), bin(r.Wrapped), ts(r.Created), ts(r.Activated), ts(r.Retires)}, nil
	case store.Secret:
		return secrets, []any{r.Name, bin(r.Wrapped), ts(r.Created)}, nil
	case store.PolicyVersion:
		return policies, []any{r.Version, string(r.Document), r.By, ts(r.Applied)}, nil
	case store.Entry:
		return ledger, []any{r.ID, r.Kind, r.User, r.Other, r.By, r.Reason, string(r.Undo), ts(r.At), ts(r.Undone), r.UndoneBy}, nil
	case store.Invalidation:
		return invalidations, []any{r.Seq, r.Topic, r.Key, ts(r.At)}, nil
	default:
		if t, vals, ok := channelValues(row); ok {
			return t, vals, nil
		}
		if t, vals, ok := proofValues(row); ok {
			return t, vals, nil
		}
		return nil, nil, fmt.Errorf("store: no table for %T", row)
	}
}

// ts is a time as it is kept: microseconds since 1970 UTC, 0 for none.
func ts(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func at(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func num(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// raw is a text of bytes; an empty one is nil, as what was erased.
func raw(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func bin(b []byte) string { return hex.EncodeToString(b) }

func unbin(s string) []byte {
	if s == "" {
		return nil
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}

// doc writes a map as JSON; an empty one as nothing.
func doc[M ~map[K]V, K comparable, V any](m M) string {
	if len(m) == 0 {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil { // maps of strings and times always can be
		panic(fmt.Sprintf("store: writing a document: %v", err))
	}
	return string(b)
}
