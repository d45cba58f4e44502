package sqlstore

import (
	"cmp"
	"slices"
	"strings"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// atOnce is how many values a statement here asks about. For more of them
// PostgreSQL without statistics would rather read the whole realm.
const atOnce = 16

// What an account is shown with, in the order of (*fields).accountState.
const accountOf = `,
	COALESCE((SELECT COUNT(*) FROM locks l WHERE l.realm = u.realm AND l.user_id = u.id), 0),
	COALESCE((SELECT COUNT(*) FROM memberships m JOIN groups g ON g.realm = m.realm AND g.id = m.group_id
		JOIN strands ms ON ms.realm = m.realm AND ms.id = m.strand_id AND ms.state = 'live'
		WHERE m.user_id = u.id AND m.realm = u.realm AND g.kind = 'role' AND g.name IN ('staff', 'operator')), 0),
	COALESCE((SELECT m.group_id FROM memberships m JOIN groups g ON g.realm = m.realm AND g.id = m.group_id
		JOIN strands ms ON ms.realm = m.realm AND ms.id = m.strand_id AND ms.state = 'live'
		WHERE m.user_id = u.id AND m.realm = u.realm AND g.kind = 'working_group' AND m.role <> 'representative'
		ORDER BY m.since DESC, m.group_id || '' LIMIT 1), ''),
	COALESCE((SELECT m.group_id FROM memberships m JOIN groups g ON g.realm = m.realm AND g.id = m.group_id
		JOIN strands ms ON ms.realm = m.realm AND ms.id = m.strand_id AND ms.state = 'live'
		WHERE m.user_id = u.id AND m.realm = u.realm AND g.kind = 'working_group' AND m.role IN ('representative', 'representing_member')
		ORDER BY m.since DESC, m.group_id || '' LIMIT 1), '')`

// Accounts count while their strand is live and their user is there. Said by what
// does not count: PostgreSQL without statistics takes what does for rare, and
// would begin there.
const (
	isLive      = "state NOT IN ('withdrawn', 'set_aside', 'erased')"
	accountUser = ` JOIN users u ON u.realm = a.realm AND u.id = a.user_id AND u.status NOT IN ('reserved', 'set_aside', 'merged', 'deleted')
	JOIN strands s ON s.realm = a.realm AND s.id = a.strand_id AND s.` + isLive
	// The first account that counts stands for its user.
	firstAccount = ` NOT EXISTS (SELECT 1 FROM accounts b JOIN strands bs ON bs.realm = b.realm AND bs.id = b.strand_id AND bs.state = 'live'
		WHERE b.user_id = a.user_id AND b.realm = a.realm AND b.pk < a.pk)`
	// $2 to $10 are a store.AccountFilter.
	filtered = ` WHERE a.realm = $1 AND ($2 = '' OR a.first_key = $2) AND ($3 = '' OR a.username = $3) AND ($4 = '' OR a.second_key = $4)
	AND ($5 = '' OR a.username_fold LIKE $5 ESCAPE '!') AND ($6 = '' OR a.username_fold LIKE $6 ESCAPE '!')
	AND ($7 = '' OR $7 = CASE WHEN EXISTS (SELECT 1 FROM locks l WHERE l.realm = a.realm AND l.user_id = a.user_id) THEN 'no' ELSE 'yes' END)
	AND ($8 = '' OR $8 = CASE u.status WHEN 'archived' THEN 'yes' ELSE 'no' END)
	AND ($9 = '' OR $9 = CASE a.verified WHEN 0 THEN 'no' ELSE 'yes' END)
	AND ($10 = 0 OR a.pk = $10) AND` + firstAccount
)

var (
	accountState = "SELECT " + accounts.list("a") + ", " + users.list("u") + accountOf

	qAccount        = accountState + " FROM accounts a" + accountUser + " WHERE a.realm = $1 AND a.user_id = $2 ORDER BY a.pk + 0 LIMIT 1"
	qAccountOn      = accountState + " FROM accounts a" + accountUser + " WHERE a.realm = $1 AND a.strand_id = $2"
	qAccountsByPK   = accountState + " FROM " + asked(2, "BIGINT") + " CROSS JOIN accounts a" + accountUser + " WHERE a.realm = $1 AND a.pk = v.column1"
	qAccountsFirst  = accountState + " FROM accounts a" + accountUser + " WHERE a.realm = $1 AND a.first_key = $2 ORDER BY a.pk LIMIT 16"
	qAccountsSecond = accountState + " FROM accounts a" + accountUser + " WHERE a.realm = $1 AND a.second_key = $2 ORDER BY a.pk LIMIT 16"
	qCountAccounts  = "SELECT COUNT(*) FROM accounts a" + accountUser + filtered
	qListAccounts   = accountState + " FROM accounts a" + accountUser + filtered + " ORDER BY a.pk LIMIT $11 OFFSET $12"
	// SQLite begins where CROSS JOIN says.
	qAccountsIn = "SELECT gm.group_id, " + strings.TrimPrefix(accountState, "SELECT ") + " FROM " + asked(4, "TEXT") + ` CROSS JOIN memberships gm
	CROSS JOIN strands gs CROSS JOIN accounts a` + accountUser + `
	WHERE gm.realm = $1 AND gm.role <> $2 AND gm.group_id = v.column1
	AND gs.realm = gm.realm AND gs.id = gm.strand_id AND gs.` + isLive + `
	AND a.realm = gm.realm AND a.user_id = gm.user_id AND` + firstAccount + " ORDER BY gm.group_id || '', a.pk + 0 LIMIT $3"
	qAccountNumbers = "SELECT a.user_id, MIN(a.pk + 0) FROM " + asked(2, "TEXT") + " CROSS JOIN accounts a" + accountUser + " WHERE a.realm = $1 AND a.user_id = v.column1 GROUP BY a.user_id"
	qGroupsByID     = "SELECT " + groups.list("g") + " FROM " + asked(2, "TEXT") + " CROSS JOIN groups g WHERE g.realm = $1 AND g.id = v.column1 ORDER BY g.created, g.id || ''"
	qMembersOf      = "SELECT " + memberships.list("m") + " FROM " + asked(5, "TEXT") + ` CROSS JOIN memberships m CROSS JOIN strands s
	WHERE m.realm = $1 AND m.role IN ($2, $3) AND m.group_id = v.column1
	AND s.realm = m.realm AND s.id = m.strand_id AND s.` + isLive + " ORDER BY m.since, m.group_id || '', m.user_id || '' LIMIT $4"
	qMailedToken = "SELECT " + mailedTokens.list("m") + " FROM mailed_tokens m WHERE m.realm = $1 AND m.record = $2"
	qCounter     = "SELECT c.value FROM counters c WHERE c.realm = $1 AND c.name = $2"

	// The account on the session's strand comes before the user's first.
	qAccountBySession = "SELECT " + sessions.list("s") + ", " + orNothing(accounts, "a") + ", " + users.list("u") + accountOf + ` FROM sessions s
	JOIN users u ON u.realm = s.realm AND u.id = s.user_id
	LEFT JOIN accounts a ON a.realm = s.realm AND a.user_id = s.user_id
		AND EXISTS (SELECT 1 FROM strands o WHERE o.realm = a.realm AND o.id = a.strand_id AND o.state = 'live')
	WHERE s.realm = $1 AND s.id = $2 ORDER BY CASE WHEN a.strand_id = s.strand_id THEN 0 ELSE 1 END, a.pk + 0 LIMIT 1`
)

// asked is what a statement asks about, as a table v of one column, its marks
// counted from first. Without a type PostgreSQL takes them for text, which no
// number is equal to.
func asked(first int, kind string) string {
	rows := make([]string, atOnce)
	for i := range rows {
		rows[i] = "(CAST(" + marks(first+i, 1) + " AS " + kind + "))"
	}
	return "(VALUES " + strings.Join(rows, ", ") + ") AS v"
}

// orNothing lists the columns of a row that may not be there.
func orNothing(t *table, alias string) string {
	return orNone(t, alias, []string{"pk", "verified", "created"})
}

// orNone is orNothing where the columns are told that are numbers.
func orNone(t *table, alias string, numbers []string) string {
	out := make([]string, len(t.columns))
	for i, c := range t.columns {
		none := "''"
		if slices.Contains(numbers, c) {
			none = "0"
		}
		out[i] = "COALESCE(" + alias + "." + c + ", " + none + ")"
	}
	return strings.Join(out, ", ")
}

func (f *fields) account(a *user.Account) {
	var folded string
	var verified, created int64
	f.add(&a.PK, &a.User, &a.Strand, &a.Username, &folded, &a.First.Display, &a.First.Key, &a.Second.Display, &a.Second.Key, &verified, &created)
	f.finish(func() error { a.Verified, a.Created = verified != 0, at(created); return nil })
}

func (f *fields) accountState(s *store.AccountState) {
	f.account(&s.Account)
	f.user(&s.User)
	var locked, staff int64
	f.add(&locked, &staff, &s.Group, &s.Represents)
	f.finish(func() error { s.Locked, s.Staff = locked > 0, staff > 0; return nil })
}

func (f *fields) accountSession(s *store.AccountSession) {
	f.session(&s.Session)
	f.accountState(&s.AccountState)
}

func (f *fields) accountIn(a *store.AccountIn) {
	f.add(&a.Group)
	f.accountState(&a.AccountState)
}

func (f *fields) mailedToken(m *store.MailedToken) {
	var record string
	var renew, sent, until, used int64
	f.add(&record, &m.Action, &m.User, &m.Strand, &m.To.Display, &m.To.Key, &renew, &sent, &until, &used)
	f.finish(func() error {
		m.Record, m.Renew, m.Sent, m.Until, m.Used = unbin(record), renew != 0, at(sent), at(until), at(used)
		return nil
	})
}

// Account implements store.Accounts.
func (r *reader) Account(u user.ID) (store.AccountState, error) {
	return one(r, qAccount, (*fields).accountState, u)
}

// AccountOn implements store.Accounts.
func (r *reader) AccountOn(strand user.ID) (store.AccountState, error) {
	return one(r, qAccountOn, (*fields).accountState, strand)
}

// AccountBySession implements store.Accounts.
func (r *reader) AccountBySession(session user.ID) (store.AccountSession, error) {
	return one(r, qAccountBySession, (*fields).accountSession, session)
}

// AccountsAt implements store.Accounts.
func (r *reader) AccountsAt(address string) ([]store.AccountState, error) {
	if address == "" {
		return nil, nil
	}
	first, err := many(r, qAccountsFirst, (*fields).accountState, address)
	if err != nil {
		return nil, err
	}
	second, err := many(r, qAccountsSecond, (*fields).accountState, address)
	all := append(first, second...)
	byPK(all)
	all = slices.CompactFunc(all, func(a, b store.AccountState) bool { return a.Account.PK == b.Account.PK })
	return all[:min(len(all), 16)], err
}

func byPK(all []store.AccountState) {
	slices.SortFunc(all, func(a, b store.AccountState) int { return cmp.Compare(a.Account.PK, b.Account.PK) })
}

// AccountsByPK implements store.Accounts.
func (r *reader) AccountsByPK(pks []int32) ([]store.AccountState, error) {
	all, err := chunked(r, qAccountsByPK, (*fields).accountState, pks)
	byPK(all)
	return all, err
}

// AccountNumbers implements store.Accounts.
func (r *reader) AccountNumbers(users []user.ID) (map[user.ID]int32, error) {
	type number struct {
		user user.ID
		pk   int32
	}
	found, err := chunked(r, qAccountNumbers, func(f *fields, n *number) { f.add(&n.user, &n.pk) }, users)
	out := make(map[user.ID]int32, len(found))
	for _, n := range found {
		out[n.user] = n.pk
	}
	return out, err
}

// AccountsIn implements store.Accounts.
func (r *reader) AccountsIn(groups []user.ID, except string, limit int) ([]store.AccountIn, error) {
	all, err := chunked(r, qAccountsIn, (*fields).accountIn, groups, except, limit)
	slices.SortFunc(all, func(a, b store.AccountIn) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Account.PK, b.Account.PK))
	})
	return slices.CompactFunc(all, func(a, b store.AccountIn) bool {
		return a.Group == b.Group && a.Account.PK == b.Account.PK // a member by two strands
	}), err
}

// GroupsByID implements store.Groups.
func (r *reader) GroupsByID(ids []user.ID) ([]user.Group, error) {
	return chunked(r, qGroupsByID, (*fields).group, ids)
}

// MembersOf implements store.Groups.
func (r *reader) MembersOf(groups []user.ID, role, or string, limit int) ([]user.Membership, error) {
	return chunked(r, qMembersOf, (*fields).membership, groups, role, or, limit)
}

// MailedToken implements store.Accounts.
func (r *reader) MailedToken(record []byte) (store.MailedToken, error) {
	return one(r, qMailedToken, (*fields).mailedToken, bin(record))
}

// CountAccounts implements store.Accounts.
func (r *reader) CountAccounts(f store.AccountFilter) (int, error) {
	n, err := many(r, qCountAccounts, func(f *fields, n *int) { f.add(n) }, filterArgs(f)...)
	if err != nil || len(n) == 0 {
		return 0, err
	}
	return n[0], nil
}

// ListAccounts implements store.Accounts.
func (r *reader) ListAccounts(f store.AccountFilter, offset, limit int) ([]store.AccountState, error) {
	return many(r, qListAccounts, (*fields).accountState, append(filterArgs(f), limit, offset)...)
}

// fold is how usernames are compared in any case.
func fold(s string) string { return strings.ToLower(s) }

func filterArgs(f store.AccountFilter) []any {
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	like := func(before string, s *string) string {
		if text(s) == "" {
			return ""
		}
		return before + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(fold(*s)) + "%"
	}
	flag := func(b *bool) string {
		switch {
		case b == nil:
			return ""
		case *b:
			return "yes"
		default:
			return "no"
		}
	}
	var pk int32
	if f.PK != nil {
		pk = *f.PK
		if pk == 0 {
			pk = -1 // nobody's
		}
	}
	return []any{
		text(f.Email), text(f.Username), text(f.Second), like("%", f.UsernameContains), like("", f.UsernameStarts),
		flag(f.Active), flag(f.Archived), flag(f.Verified), pk,
	}
}

// chunked asks about as many values at once as a statement has marks for, each
// value once. What is left of the marks asks about nothing: no row has an empty id
// or the number 0.
func chunked[T any, V cmp.Ordered](r *reader, q string, bind func(*fields, *T), values []V, before ...any) (out []T, err error) {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	for some := range slices.Chunk(values, atOnce) {
		args := slices.Clone(before)
		for i := range atOnce {
			var v V
			if i < len(some) {
				v = some[i]
			}
			args = append(args, v)
		}
		found, err := many(r, q, bind, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
