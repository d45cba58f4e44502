package storetest

import (
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// proofCases has the rows of store.Proofs.
func proofCases() []rowCase {
	return []rowCase{
		{
			store.Code{Kind: user.Phone, Address: "+4912", Purpose: odd, ID: "1", Created: at(1), Until: at(2), Wrong: 1, Used: at(3)},
			store.Code{Kind: user.Phone, Address: "+4912", Purpose: odd},
			func(r store.Reader) (any, error) { return got(r.Code(user.Phone, "+4912", odd)) },
		},
		{
			store.Caller{Door: "sunbird", Name: odd, MayAttest: true, MayAdminister: true, Created: at(1)},
			store.Caller{Door: "sunbird", Name: odd},
			func(r store.Reader) (any, error) { return only(r.Callers("sunbird")) },
		},
		{
			store.Issuer{Door: "sunbird", ISS: "gj", Channel: odd, Created: at(1)},
			store.Issuer{Door: "sunbird", ISS: "gj", Channel: odd},
			func(r store.Reader) (any, error) { return only(r.Issuers("sunbird")) },
		},
		{
			store.IssuerKey{Door: "sunbird", ISS: "gj", Fingerprint: "f", Public: []byte{0, 255}, Created: at(1), Until: at(2)},
			store.IssuerKey{Door: "sunbird", ISS: "gj", Fingerprint: "f"},
			func(r store.Reader) (any, error) { return only(r.IssuerKeys("sunbird", "gj")) },
		},
		{
			store.Visit{Hash: []byte{0, 1}, Kind: "state", Body: []byte(`{"name":"` + odd + `"}`), Created: at(1), Until: at(2)},
			store.Visit{Hash: []byte{0, 1}},
			func(r store.Reader) (any, error) { return got(r.Visit([]byte{0, 1})) },
		},
	}
}

func testProofs(t *testing.T, open Open) {
	t.Run("by what is asked for", func(t *testing.T) { testProofsFound(t, open(t)) })
	t.Run("purged", func(t *testing.T) { testProofsPurged(t, open(t)) })
}

func testProofsFound(t *testing.T, s store.Store) {
	portal := store.Caller{Door: "sunbird", Name: "portal", MayAttest: true, Created: at(1)}
	token := store.CallerToken{Hash: []byte("t"), Door: "sunbird", Caller: "portal", Created: at(2), Expires: at(3)}
	given(t, s, portal, store.Caller{Door: "sunbird", Name: "app"}, store.Caller{Door: "edi", Name: "portal"}, token,
		store.CallerToken{Hash: []byte("nobody's"), Door: "sunbird", Caller: "gone"},
		store.Code{Kind: user.Email, Address: "a", Purpose: "x", ID: "1"}, store.Code{Kind: user.Phone, Address: "a", Purpose: "x", ID: "2"},
		store.Code{Kind: user.Phone, Address: "a", Purpose: "y", ID: "3"},
		store.Issuer{Door: "sunbird", ISS: "gj", Channel: "b"}, store.Issuer{Door: "sunbird", ISS: "gj", Channel: "a"}, store.Issuer{Door: "sunbird", ISS: "ap", Channel: "c"},
		store.IssuerKey{Door: "sunbird", ISS: "gj", Fingerprint: "2", Created: at(2)}, store.IssuerKey{Door: "sunbird", ISS: "gj", Fingerprint: "1", Created: at(1)},
		store.IssuerKey{Door: "sunbird", ISS: "ap", Fingerprint: "3"})
	view(t, s, func(r store.Reader) error {
		c, err := r.Caller("sunbird", "portal")
		same(t, "a caller", portal, err, c)
		_, err = r.Caller("sunbird", "nobody")
		absent(t, "no such caller", err)
		all, err := r.Callers("sunbird")
		keys(t, "a door's callers", all, err, func(c store.Caller) string { return c.Name }, "app", "portal")
		tok, c, err := r.CallerByToken([]byte("t"))
		same(t, "whose token", portal, err, c)
		same(t, "the token", token, err, tok)
		for _, hash := range []string{"nobody's", "unknown"} {
			_, _, err = r.CallerByToken([]byte(hash))
			absent(t, "a token that is "+hash, err)
		}
		code, err := r.Code(user.Phone, "a", "x")
		same(t, "a code", user.ID("2"), err, code.ID)
		_, err = r.Code(user.Phone, "b", "x")
		absent(t, "no such code", err)
		issuers, err := r.Issuers("sunbird")
		keys(t, "issuers", issuers, err, func(i store.Issuer) string { return i.ISS + " " + i.Channel }, "ap c", "gj a", "gj b")
		issuers, err = r.IssuerChannels("sunbird", "gj")
		keys(t, "channels", issuers, err, func(i store.Issuer) string { return i.Channel }, "a", "b")
		ks, err := r.IssuerKeys("sunbird", "gj")
		keys(t, "keys, oldest first", ks, err, func(k store.IssuerKey) string { return k.Fingerprint }, "1", "2")
		_, err = r.Visit([]byte("none"))
		absent(t, "no such visit", err)
		return nil
	})
}

func testProofsPurged(t *testing.T, s store.Store) {
	given(t, s, store.Code{Kind: user.Phone, Address: "a", Purpose: "x", ID: "1", Until: at(4)},
		store.Code{Kind: user.Phone, Address: "b", Purpose: "x", ID: "2", Until: at(6)},
		store.Visit{Hash: []byte("1"), Until: at(4)}, store.Visit{Hash: []byte("2"), Until: at(6)})
	update(t, s, func(tx store.Tx) error {
		n, err := tx.Purge(at(5))
		same(t, "purged", 2, err, n)
		_, err = tx.Code(user.Phone, "b", "x")
		same(t, "a code that is good", error(nil), nil, err)
		_, err = tx.Visit([]byte("2"))
		same(t, "a visit that is not over", error(nil), nil, err)
		return nil
	})
}
