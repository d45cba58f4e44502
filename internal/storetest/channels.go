package storetest

import (
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// channelCases has the rows of store.Channels.
func channelCases() []rowCase {
	return []rowCase{
		{
			store.ChannelProfile{
				Strand: "s", Channel: "portal", User: "u", Type: odd, Asked: odd, AskedAt: at(1), LinkPending: true,
				Verdict: store.Refused, Reason: odd, Decided: at(2), DecidedBy: odd, Made: at(3), Created: at(4), Updated: at(5),
			},
			store.ChannelProfile{Strand: "s", Channel: "portal"},
			func(r store.Reader) (any, error) { return got(r.ChannelProfileOn("portal", "s")) },
		},
		{
			store.Cursor{Name: odd, Value: odd, At: at(1)},
			store.Cursor{Name: odd},
			func(r store.Reader) (any, error) { return got(r.Cursor(odd)) },
		},
	}
}

func testChannels(t *testing.T, open Open) {
	s := open(t)
	strand := func(id, u user.ID, state user.StrandState) user.Strand {
		return user.Strand{ID: id, User: u, Origin: u, Source: "portal:main", Kind: user.Human, State: state}
	}
	bare := store.ChannelProfile{Strand: "a-1", Channel: "portal", User: "a", Created: at(1)}
	full := store.ChannelProfile{Strand: "a-2", Channel: "portal", User: "a", Type: "x", Created: at(2)}
	gone := store.ChannelProfile{Strand: "a-3", Channel: "portal", User: "a", Type: "y", Created: at(0), Asked: "z", AskedAt: at(1)}
	asking := store.ChannelProfile{Strand: "b-1", Channel: "portal", User: "b", Asked: "y", AskedAt: at(9)}
	first := store.ChannelProfile{Strand: "b-2", Channel: "portal", User: "b", Asked: "x", AskedAt: at(3), Created: at(7)}
	token := user.Token{Hash: []byte("t"), Kind: user.RealmToken, Session: "s", Created: at(1), Expires: at(9)}
	given(t, s, user.User{ID: "a", Status: user.Active, Epoch: 1}, user.User{ID: "b", Status: user.Active, Epoch: 1},
		strand("a-1", "a", user.Live), strand("a-2", "a", user.Live), strand("a-3", "a", user.Withdrawn),
		strand("b-1", "b", user.Live), strand("b-2", "b", user.Live), bare, full, gone, asking, first,
		user.Session{ID: "s", User: "a", Strand: "a-1", Door: "portal", Epoch: 1, Created: at(1), Expires: at(9)}, token)
	view(t, s, func(r store.Reader) error {
		p, err := r.ChannelProfile("portal", "a")
		same(t, "one that has a type, of a live strand", full, err, p)
		_, err = r.ChannelProfile("edi", "a")
		absent(t, "another channel's", err)
		all, err := r.ChannelRequests("portal", 9)
		same(t, "requests, oldest first, of live strands", []store.ChannelProfile{first, asking}, err, all)
		st, err := r.ChannelByToken("portal", []byte("t"))
		same(t, "a session's profile", full, err, st.Profile)
		same(t, "and its strand", user.ID("a-1"), err, st.Strand.ID)
		same(t, "and its user", user.ID("a"), err, st.User.ID)
		st, err = r.ChannelByToken("edi", []byte("t"))
		same(t, "a session without a profile at the channel", store.ChannelProfile{}, err, st.Profile)
		_, err = r.ChannelByToken("portal", []byte("u"))
		absent(t, "no such token", err)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Repoint("a-2", "a", "b") })
	view(t, s, func(r store.Reader) error {
		p, err := r.ChannelProfile("portal", "b")
		full.User = "b"
		same(t, "it follows its strand", full, err, p)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.EraseUserRows("b") })
	view(t, s, func(r store.Reader) error {
		_, err := r.ChannelProfile("portal", "b")
		absent(t, "an erased user's", err)
		return nil
	})
}
