package sqlstore

import (
	"slices"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Statements of Groups, Settings and Log; $1 is the realm.
var (
	qGroup         = "SELECT " + groups.list("g") + " FROM groups g WHERE g.realm = $1 AND g.id = $2"
	qGroupByName   = "SELECT " + groups.list("g") + " FROM groups g WHERE g.realm = $1 AND g.name = $3 AND g.kind = $2 ORDER BY g.parent LIMIT 1"
	qGroupByExtern = "SELECT " + groups.list("g") + " FROM groups g WHERE g.realm = $1 AND g.kind = $2 AND g.parent = $3 AND g.external_id = $4 ORDER BY g.created, g.id LIMIT 1"
	qGroupsNamed   = "SELECT " + groups.list("g") + " FROM groups g WHERE g.realm = $1 AND g.name = $2 ORDER BY g.kind, g.parent"
	qAllGroups     = "SELECT " + groups.list("g") + " FROM groups g WHERE g.realm = $1 ORDER BY g.kind, g.name"
	qMemberships   = "SELECT " + memberships.list("m") + " FROM memberships m WHERE m.realm = $1 AND m.user_id = $2 ORDER BY m.since, m.group_id, m.strand_id"
	qMembers       = "SELECT " + memberships.list("m") + " FROM memberships m WHERE m.realm = $1 AND m.group_id = $2 ORDER BY m.user_id"
	qMemberNumbers = `SELECT DISTINCT COALESCE((SELECT MIN(h.value || '') FROM handles h
		WHERE h.user_id = m.user_id AND h.realm = m.realm AND h.space = $3 AND h.dead = 0), '') AS number
	FROM memberships m CROSS JOIN strands s
	WHERE m.realm = $1 AND m.group_id = $2 AND m.role <> $4 AND s.realm = m.realm AND s.id = m.strand_id AND s.state = 'live'
	ORDER BY number LIMIT $5`
	qInGroup = `SELECT g.id FROM memberships m JOIN groups g ON g.realm = m.realm AND g.id = m.group_id
	JOIN strands s ON s.realm = m.realm AND s.id = m.strand_id AND s.state = 'live'
	WHERE m.realm = $1 AND m.user_id = $2 AND g.kind = $3 AND g.name = $4 LIMIT 1`
	qGroupsOf = "SELECT DISTINCT " + groups.list("g") + ` FROM memberships m JOIN groups g ON g.realm = m.realm AND g.id = m.group_id
	JOIN strands s ON s.realm = m.realm AND s.id = m.strand_id AND s.state = 'live'
	WHERE m.realm = $1 AND m.user_id = $2 ORDER BY 2, 3`

	qGroupsOfKind = "SELECT " + groups.list("g") + " FROM groups g WHERE g.realm = $1 AND g.kind = $2 ORDER BY g.created, g.id"

	qPolicy        = "SELECT " + policies.list("p") + " FROM policies p WHERE p.realm = $1 ORDER BY p.version DESC LIMIT 1"
	qKeys          = "SELECT " + signingKeys.list("k") + " FROM signing_keys k WHERE k.realm = $1 ORDER BY k.created, k.kid"
	qSecret        = "SELECT " + secrets.list("s") + " FROM secrets s WHERE s.realm = $1 AND s.name = $2"
	qInvalidations = "SELECT " + invalidations.list("i") + " FROM invalidations i WHERE i.realm = $1 AND i.seq > $2 ORDER BY i.seq LIMIT $3"

	qEventsOf    = "SELECT " + events.list("e") + " FROM events e WHERE e.realm = $1 AND e.user_id = $2 ORDER BY e.id LIMIT $3"
	qEvents      = "SELECT " + events.list("e") + " FROM events e WHERE e.realm = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3"
	qUnsequenced = "SELECT " + events.list("e") + " FROM events e WHERE e.realm = $1 AND e.seq = 0 ORDER BY e.id LIMIT $2"
	qLastEvent   = "SELECT " + events.list("e") + " FROM events e WHERE e.realm = $1 AND e.seq > 0 ORDER BY e.seq DESC LIMIT 1"
	qJobs        = "SELECT " + jobs.list("j") + " FROM jobs j WHERE j.realm = $1 AND j.state = $2 ORDER BY j.due, j.id LIMIT $3"
	qMessages    = "SELECT " + messages.list("m") + ` FROM messages m WHERE m.realm = $1 AND ($2 = '' OR m.to_address = $2)
	AND ($3 = '' OR m.channel = $3) AND m.sent >= $4 ORDER BY m.sent DESC, m.id DESC LIMIT $5`
)

func (r *reader) Group(id user.ID) (user.Group, error) { return one(r, qGroup, (*fields).group, id) }

func (r *reader) GroupByName(kind, name string) (user.Group, error) {
	return one(r, qGroupByName, (*fields).group, kind, name)
}

func (r *reader) GroupByExternalID(kind string, parent user.ID, external string) (user.Group, error) {
	return one(r, qGroupByExtern, (*fields).group, kind, parent, external)
}

func (r *reader) GroupsNamed(name string) ([]user.Group, error) {
	return many(r, qGroupsNamed, (*fields).group, name)
}

func (r *reader) AllGroups() ([]user.Group, error) { return many(r, qAllGroups, (*fields).group) }

func (r *reader) Memberships(u user.ID) ([]user.Membership, error) {
	return many(r, qMemberships, (*fields).membership, u)
}

func (r *reader) Members(group user.ID) ([]user.Membership, error) {
	return many(r, qMembers, (*fields).membership, group)
}

func (r *reader) InGroup(u user.ID, kind, name string) (bool, error) {
	found, err := many(r, qInGroup, func(f *fields, id *string) { f.add(id) }, u, kind, name)
	return len(found) > 0, err
}

func (r *reader) GroupsOf(u user.ID) ([]user.Group, error) {
	return many(r, qGroupsOf, (*fields).group, u)
}

func (r *reader) GroupsOfKind(kind string) ([]user.Group, error) {
	return many(r, qGroupsOfKind, (*fields).group, kind)
}

func (r *reader) Policy() (store.PolicyVersion, error) { return one(r, qPolicy, (*fields).policy) }

func (r *reader) Keys() ([]store.Key, error) { return many(r, qKeys, (*fields).key) }

func (r *reader) Secret(name string) (store.Secret, error) {
	return one(r, qSecret, (*fields).secret, name)
}

func (r *reader) Invalidations(after int64, limit int) ([]store.Invalidation, error) {
	return many(r, qInvalidations, (*fields).invalidation, after, limit)
}

func (r *reader) EventsOf(u user.ID, limit int) ([]store.Event, error) {
	return many(r, qEventsOf, (*fields).event, u, limit)
}

func (r *reader) Events(after int64, limit int) ([]store.Event, error) {
	return many(r, qEvents, (*fields).event, after, limit)
}

func (r *reader) Unsequenced(limit int) ([]store.Event, error) {
	return many(r, qUnsequenced, (*fields).event, limit)
}

func (r *reader) LastEvent() (store.Event, error) { return one(r, qLastEvent, (*fields).event) }

func (r *reader) Jobs(state store.JobState, limit int) ([]store.Job, error) {
	return many(r, qJobs, (*fields).job, state, limit)
}

func (r *reader) Messages(f store.MessageFilter) ([]store.Message, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = 1000
	}
	return many(r, qMessages, (*fields).message, f.To, f.Channel, ts(f.Since), limit)
}

// MemberNumbers implements store.Groups.
func (r *reader) MemberNumbers(group user.ID, numbers user.Space, but string, limit int) ([]string, error) {
	all, err := many(r, qMemberNumbers, func(f *fields, s *string) { f.add(s) }, group, numbers, but, limit)
	return slices.DeleteFunc(all, func(s string) bool { return s == "" }), err
}
