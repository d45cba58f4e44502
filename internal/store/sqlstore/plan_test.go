package sqlstore

import (
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/usher-id/usher/internal/testpg"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// opened gives a migrated database of the test's own.
func opened(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// allTables are the tables that rows are written to.
var allTables = []*table{
	users, strands, identities, handles, claims, owners, passwords, locks, groups, memberships, sessions, tokens, clients,
	throttles, events, jobs, messages, signingKeys, secrets, policies, ledger, invalidations, accounts, mailedTokens,
	codes, callers, callerTokens, issuers, issuerKeys, visits, channelProfiles, cursors,
}

// small are the tables that do not grow with the number of users.
var small = []string{"clients", "groups", "signing_keys", "secrets", "policies", "search_progress", "counters", "cursors", "callers", "issuers", "issuer_keys"}

// walking are the statements that list a realm's accounts, whatever is asked of
// them: who may, policy says, and a page at a time.
var walking = []string{"CountAccounts", "ListAccounts"}

// listed are the statements that ask about several values: PostgreSQL looks for
// them by an index once it knows, as it does by itself, that a realm has more
// than a handful of rows.
var listed = []string{"AccountsByPK", "AccountsIn", "AccountNumbers", "MembersOf", "GroupsByID"}

// statements are all that have a WHERE.
func statements(leaseJobs string) map[string]string {
	all := map[string]string{
		"User": qUser, "Users": qUsers, "Strand": qStrand, "Strands": qStrands, "Identity": qIdentity, "Identities": qIdentities,
		"Handle": qHandle, "Handles": qHandles, "FindHandles": qFindHandles, "Claims": qClaims, "ClaimsOf": qClaimsOf,
		"TakenClaims": qTakenClaims, "TakenOwners": qTakenOwners, "TakenNames": qTakenNames, "NamedUsers": qNamedUsers, "TermedUsers": qTermedUsers,
		"Owner": qOwner, "Owned": qOwned, "Passwords": qPasswords, "Locks": qLocks, "Entry": qEntry, "Entries": qEntriesOf,
		"RecordByHandle": qRecordByHandle, "RecordByStrand": qRecordByStrand, "RecordsByClaim": qRecordsByClaim, "RecordsAfter": qRecordsAfter,
		"SignInByClaim": qSignInByClaim, "SignInByOwner": qSignInByOwner, "SignInByHandle": qSignInByHandle,
		"Token": qToken, "Session": qSession, "Sessions": qSessions, "Client": qClient, "Clients": qClients, "Throttles": qThrottle,
		"Group": qGroup, "GroupByName": qGroupByName, "GroupByExternalID": qGroupByExtern, "GroupsNamed": qGroupsNamed, "AllGroups": qAllGroups,
		"Memberships": qMemberships, "Members": qMembers, "InGroup": qInGroup, "GroupsOf": qGroupsOf,
		"Policy": qPolicy, "Keys": qKeys, "Secret": qSecret, "Invalidations": qInvalidations,
		"EventsOf": qEventsOf, "Events": qEvents, "Unsequenced": qUnsequenced, "LastEvent": qLastEvent, "Jobs": qJobs, "Messages": qMessages,
		"SearchUsers": qSearchUsers, "SearchGroups": qSearchGroups, "SearchTerms": qSearchTerms, "Indexed": qIndexed, "MemberNumbers": qMemberNumbers, "DropTerms": qDropTerms,
		"EndSessions": qEndUser, "EndSessions of a strand": qEndStrand, "UseRefresh": qRevoke, "LeaseJobs": leaseJobs,
		"Account": qAccount, "AccountOn": qAccountOn, "AccountsByPK": qAccountsByPK, "AccountsFirst": qAccountsFirst, "AccountsSecond": qAccountsSecond,
		"AccountsIn": qAccountsIn, "AccountNumbers": qAccountNumbers, "AccountBySession": qAccountBySession, "CountAccounts": qCountAccounts, "ListAccounts": qListAccounts,
		"MailedToken": qMailedToken, "Counter": qCounter, "RetireRefresh": qRetire, "EndMailed": qEndMailed, "Lengthen": qLengthen, "EndSession": qEndSession, "SignInByUser": qSignInByUser,
		"GroupsOfKind": qGroupsOfKind, "GroupsByID": qGroupsByID, "MembersOf": qMembersOf,
		"Code": qCode, "Caller": qCaller, "Callers": qCallers, "CallerByToken": qCallerByToken,
		"IssuerChannels": qIssuerChannels, "Issuers": qIssuers, "IssuerKeys": qIssuerKeys, "Visit": qVisit,
		"ChannelByToken": qChannelByToken, "ChannelProfile": qChannelProfile, "ChannelProfileOn": qChannelProfileOn,
		"ChannelRequests": qChannelRequests, "Cursor": qCursor,
		"CountJobs": qCountJobs, "CountUnnumbered": qCountUnnumbered,
	}
	for name, qs := range map[string][]string{"Repoint": repoint, "Erase": erase, "Purge": purge} {
		for i, q := range qs {
			all[fmt.Sprintf("%s %02d", name, i)] = q
		}
	}
	for _, tab := range allTables {
		all["Delete "+tab.name] = tab.del
	}
	return all
}

// wantPlans says, for each statement, which columns of which table (by its
// alias) an index finds. It was read line by line: whoever changes a line
// answers for the columns that are not in it. Those that are left to a filter
// narrow what one user, strand or address has.
//
//go:embed testdata/plans.txt
var wantPlans string

func wanted(t *testing.T) map[string][]string {
	t.Helper()
	want := map[string][]string{}
	for line := range strings.Lines(wantPlans) {
		name, finds, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			t.Fatalf("testdata/plans.txt: %q", line)
		}
		want[name] = strings.Split(finds, "; ")
	}
	return want
}

var search = regexp.MustCompile(`^SEARCH (\S+) USING (?:COVERING )?INDEX \S+ \((.*)\)`)

// TestPlansOnSQLite: without statistics, as a database is until somebody runs
// ANALYZE, every table is reached by an index and all the columns that are
// wanted of it.
func TestPlansOnSQLite(t *testing.T) {
	db := opened(t, Options{Data: t.TempDir()})
	want := wanted(t)
	all := statements((&lite{}).leaseJobs())
	for name := range want {
		if all[name] == "" {
			t.Errorf("%s: in testdata/plans.txt, and no statement", name)
		}
	}
	for name, q := range all {
		finds := sqlitePlan(t, db, q)
		if !slices.Equal(finds, want[name]) {
			t.Errorf("%s\n got: %s\nwant: %s", name, strings.Join(finds, "; "), strings.Join(want[name], "; "))
		}
		for _, f := range finds {
			if alias, columns, _ := strings.Cut(strings.TrimSuffix(f, ")"), "("); columns == "realm" && !slices.Contains(small, tableOf(q, alias)) && !slices.Contains(walking, name) {
				t.Errorf("%s: walks the whole realm in %s", name, tableOf(q, alias))
			}
		}
	}
}

// sqlitePlan gives a plan as alias(column column); a scan as itself, but for one
// of values in the statement, or of what its subquery has found.
func sqlitePlan(t *testing.T, db *DB, q string) (finds []string) {
	t.Helper()
	type step struct {
		id, parent, unused int64
		detail             string
	}
	steps, err := db.engine.(*lite).db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+literal(q))
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer steps.Close()
	for steps.Next() {
		var s step
		if err := steps.Scan(&s.id, &s.parent, &s.unused, &s.detail); err != nil {
			t.Fatal(err)
		}
		if m := search.FindStringSubmatch(s.detail); m != nil {
			finds = append(finds, m[1]+"("+strings.NewReplacer("=?", "", ">?", "", "<?", "", " AND", "").Replace(m[2])+")")
		} else if strings.Contains(s.detail, "SCAN") && !strings.Contains(s.detail, "VALUES") && !strings.Contains(s.detail, "CONSTANT ROWS") && s.detail != "SCAN found" && s.detail != "SCAN v" {
			finds = append(finds, s.detail)
		}
	}
	if err := steps.Err(); err != nil {
		t.Fatal(err)
	}
	return finds
}

var mark = regexp.MustCompile(`\$\d+`)

// literal puts a text for each parameter, which both databases take for any
// column.
func literal(q string) string { return mark.ReplaceAllString(q, "'1'") }

// tableOf finds the table behind an alias.
func tableOf(q, alias string) string {
	m := regexp.MustCompile(`(?:FROM|JOIN|UPDATE) (\w+) ` + alias + `\b`).FindStringSubmatch(q)
	if m == nil {
		return alias
	}
	return m[1]
}

// TestPlansOnPostgres: where PostgreSQL uses an index, as it does as soon as
// tables are large, its conditions have the same columns.
func TestPlansOnPostgres(t *testing.T) {
	db := opened(t, Options{URL: testpg.Start(t)})
	c, err := db.engine.(*pg).db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fill(t, c)
	if _, err := c.ExecContext(t.Context(), "SET enable_seqscan = off"); err != nil {
		t.Fatal(err)
	}
	want := wanted(t)
	for name, q := range statements((&pg{}).leaseJobs()) {
		if !slices.Contains(listed, name) {
			judge(t, c, want[name], name, q)
		}
	}
	if _, err := c.ExecContext(t.Context(), "ANALYZE"); err != nil {
		t.Fatal(err)
	}
	all := statements((&pg{}).leaseJobs())
	for _, name := range listed {
		judge(t, c, want[name], name, all[name])
	}
}

// judge holds PostgreSQL's plan of a statement against what is wanted of it.
func judge(t *testing.T, c *sql.Conn, want []string, name, q string) {
	t.Helper()
	var text []byte
	if err := c.QueryRowContext(t.Context(), "EXPLAIN (FORMAT JSON) "+literal(q)).Scan(&text); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var plans []struct{ Plan pgPlan }
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	found := plans[0].Plan.finds()
	for _, w := range want {
		alias, columns, _ := strings.Cut(strings.TrimSuffix(w, ")"), "(")
		ok := slices.ContainsFunc(found, func(f find) bool {
			return f.alias == alias && !slices.ContainsFunc(strings.Fields(columns), func(c string) bool { return !slices.Contains(f.columns, c) })
		})
		// A claim's user and strand find it as well as its address does.
		if !ok && name != "Delete claims" && !slices.Contains(small, tableOf(q, alias)) {
			t.Errorf("%s: want %s, found %v", name, w, found)
		}
	}
	for _, f := range found {
		if (len(f.columns) == 0 || slices.Equal(f.columns, []string{"realm"})) && !slices.Contains(small, tableOf(q, f.alias)) && !slices.Contains(walking, name) {
			t.Errorf("%s: walks the whole realm in %s", name, f.alias)
		}
	}
}

// fill gives every table a few thousand rows of one realm. PostgreSQL asks for
// the size of a table even where it has no statistics, and takes an empty one
// for so small that any index will do.
func fill(t *testing.T, c *sql.Conn) {
	t.Helper()
	for _, tab := range allTables {
		rows, err := c.QueryContext(t.Context(), "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1", tab.name)
		if err != nil {
			t.Fatal(err)
		}
		var names, values []string
		for rows.Next() {
			var name, kind string
			if err := rows.Scan(&name, &kind); err != nil {
				t.Fatal(err)
			}
			value := map[string]string{"text": "'some text ' || i", "bigint": "i"}[kind]
			if name == "realm" {
				value = "'1'"
			}
			names, values = append(names, name), append(values, value)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = c.ExecContext(t.Context(), "INSERT INTO "+tab.name+" ("+strings.Join(names, ", ")+") SELECT "+
			strings.Join(values, ", ")+" FROM generate_series(1, 3000) AS i")
		if err != nil {
			t.Fatal(err)
		}
	}
}

// pgPlan is a node of PostgreSQL's plan.
type pgPlan struct {
	NodeType  string   `json:"Node Type"`
	Alias     string   `json:"Alias"`
	IndexCond string   `json:"Index Cond"`
	Plans     []pgPlan `json:"Plans"`
}

// find is how one table is reached: the columns that the index is asked for.
type find struct {
	alias   string
	columns []string
}

// renamed is what EXPLAIN adds to an alias that a statement uses twice.
var renamed = regexp.MustCompile(`_\d+$`)

var compared = regexp.MustCompile(`\((?:\w+\.)?(\w+) (?:=|>|<|>=|<=|= ANY) `)

func (p pgPlan) finds() (out []find) {
	cond := p.IndexCond
	if p.NodeType == "Bitmap Heap Scan" {
		for _, c := range p.Plans {
			cond += c.conditions()
		}
	}
	if strings.Contains(p.NodeType, "Scan") && p.NodeType != "Values Scan" && p.NodeType != "CTE Scan" && p.Alias != "" && !strings.HasPrefix(p.Alias, "ANY_") {
		f := find{alias: renamed.ReplaceAllString(p.Alias, "")}
		for _, m := range compared.FindAllStringSubmatch(cond, -1) {
			f.columns = append(f.columns, m[1])
		}
		out = append(out, f)
	}
	for _, c := range p.Plans {
		out = append(out, c.finds()...)
	}
	return out
}

// conditions joins those of a bitmap's indexes.
func (p pgPlan) conditions() string {
	cond := p.IndexCond
	for _, c := range p.Plans {
		cond += c.conditions()
	}
	return cond
}
