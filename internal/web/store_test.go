package web_test

import (
	"slices"
	"testing"

	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/store/sqlstore"
)

func TestInboxOnADatabase(t *testing.T) {
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), store.Interactive, func(tx store.Tx) error {
		for _, m := range someMail().messages {
			if err := store.Insert(tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p := newPages(t, db, devStart())
	for query, want := range map[string][]string{
		"":                            {"m0", "m1", "m2", "m3"},
		"?since=0":                    {"m0", "m1", "m2", "m3"},
		"?to=ada@example.org":         {"m0", "m3"},
		"?channel=sms":                {"m2"},
		"?since=2026-03-02T12:02:00Z": {"m2", "m3"},
	} {
		if got := listed(t, get(p, "/dev/inbox.json"+query).Body.Bytes()); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	contains(t, "the page", get(p, "/dev/inbox/m0").Body.String(), "<h1>Subject 0</h1>")
}
