package sqlstore

import (
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// Statements of Channels; $1 is the realm.
var (
	// Which of a user's profiles stands for them. The live strands' alone count. A user
	// has one or two: their index finds them, and PostgreSQL without statistics must
	// not take the channel's.
	profileFirst = " ORDER BY CASE WHEN p.type = '' THEN 1 ELSE 0 END, p.created + 0, p.strand_id || '' LIMIT 1"
	profileLive  = " AND EXISTS (SELECT 1 FROM strands o WHERE o.realm = p.realm AND o.id = p.strand_id AND o.state = 'live')"

	qChannelByToken = "SELECT " + tokens.list("t") + ", " + sessionState + ", " + strands.list("st") + ", " + profileOrNothing() + ` FROM tokens t
	JOIN sessions s ON s.realm = t.realm AND s.id = t.session_id` + sessionUser + `
	JOIN strands st ON st.realm = s.realm AND st.id = s.strand_id
	LEFT JOIN channel_profiles p ON p.realm = s.realm AND p.user_id = s.user_id AND p.channel || '' = $3` + profileLive + `
	WHERE t.realm = $1 AND t.hash = $2` + profileFirst
	qChannelProfile   = "SELECT " + channelProfiles.list("p") + " FROM channel_profiles p WHERE p.realm = $1 AND p.user_id = $3 AND p.channel || '' = $2" + profileLive + profileFirst
	qChannelProfileOn = "SELECT " + channelProfiles.list("p") + " FROM channel_profiles p WHERE p.realm = $1 AND p.strand_id = $3 AND p.channel = $2"
	qChannelRequests  = "SELECT " + channelProfiles.list("p") + " FROM channel_profiles p WHERE p.realm = $1 AND p.channel = $2 AND p.asked <> ''" + profileLive + " ORDER BY p.asked_at LIMIT $3"
	qCursor           = "SELECT " + cursors.list("c") + " FROM cursors c WHERE c.realm = $1 AND c.name = $2"
)

// profileOrNothing lists the columns of a profile that may not be there.
func profileOrNothing() string {
	numbers := []string{"asked_at", "link_pending", "decided", "made", "created", "updated"}
	return orNone(channelProfiles, "p", numbers)
}

// channelValues gives the table and values of a row of Channels.
func channelValues(row any) (*table, []any, bool) {
	switch r := row.(type) {
	case store.ChannelProfile:
		return channelProfiles, []any{
			r.Strand, r.Channel, r.User, r.Type, r.Asked, ts(r.AskedAt), num(r.LinkPending), r.Verdict, r.Reason,
			ts(r.Decided), r.DecidedBy, ts(r.Made), ts(r.Created), ts(r.Updated),
		}, true
	case store.Cursor:
		return cursors, []any{r.Name, r.Value, ts(r.At)}, true
	default:
		return nil, nil, false
	}
}

func (f *fields) channelProfile(p *store.ChannelProfile) {
	var asked, pending, decided, made, created, updated int64
	f.add(&p.Strand, &p.Channel, &p.User, &p.Type, &p.Asked, &asked, &pending, &p.Verdict, &p.Reason, &decided, &p.DecidedBy, &made, &created, &updated)
	f.finish(func() error {
		p.AskedAt, p.LinkPending, p.Decided, p.Made = at(asked), pending != 0, at(decided), at(made)
		p.Created, p.Updated = at(created), at(updated)
		return nil
	})
}

func (f *fields) cursor(c *store.Cursor) {
	var when int64
	f.add(&c.Name, &c.Value, &when)
	f.finish(func() error { c.At = at(when); return nil })
}

func (f *fields) channelState(s *store.ChannelState) {
	f.tokenState(&s.TokenState)
	f.strand(&s.Strand)
	f.channelProfile(&s.Profile)
}

// ChannelByToken implements store.Channels.
func (r *reader) ChannelByToken(channel user.Door, hash []byte) (store.ChannelState, error) {
	return one(r, qChannelByToken, (*fields).channelState, bin(hash), channel)
}

// ChannelProfile implements store.Channels.
func (r *reader) ChannelProfile(channel user.Door, u user.ID) (store.ChannelProfile, error) {
	return one(r, qChannelProfile, (*fields).channelProfile, channel, u)
}

// ChannelProfileOn implements store.Channels.
func (r *reader) ChannelProfileOn(channel user.Door, strand user.ID) (store.ChannelProfile, error) {
	return one(r, qChannelProfileOn, (*fields).channelProfile, channel, strand)
}

// ChannelRequests implements store.Channels.
func (r *reader) ChannelRequests(channel user.Door, limit int) ([]store.ChannelProfile, error) {
	return many(r, qChannelRequests, (*fields).channelProfile, channel, limit)
}

// Cursor implements store.Channels.
func (r *reader) Cursor(name string) (store.Cursor, error) {
	return one(r, qCursor, (*fields).cursor, name)
}
