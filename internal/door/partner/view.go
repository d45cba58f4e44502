package partner

import (
	"time"

	"github.com/usher-id/usher/internal/feed"
	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// stamp is a time as the wire has it: UTC, three digits of milliseconds.
type stamp time.Time

// MarshalText writes the time; it is never asked for the zero one.
func (s stamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(s).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

func stamped(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// userView is the published envelope: these keys in this order, nulls present.
// Password is in the answers to a sync only.
type userView struct {
	EmailVerified bool     `json:"emailVerified"`
	Username      *string  `json:"username"`
	Email         *string  `json:"email"`
	Password      string   `json:"password,omitempty"`
	ID            *string  `json:"id"` // null for a user that a dry run would create
	GUID          *string  `json:"_guid"`
	CreatedBy     *string  `json:"createdBy"`
	CreatedAt     *stamp   `json:"createdAt"`
	UpdatedAt     *stamp   `json:"updatedAt"`
	DeletedAt     *stamp   `json:"deletedAt"`
	UpdatedBy     *string  `json:"updatedBy"`
	DeletedBy     *string  `json:"deletedBy"`
	FirstName     *string  `json:"firstName"`
	LastName      *string  `json:"lastName"`
	Locale        *string  `json:"locale"`
	Roles         []string `json:"roles"`
	PhoneNumber   *string  `json:"phoneNumber"`
	Avatar        *string  `json:"avatar"`
	Birthday      *string  `json:"birthday"`
	Gender        *string  `json:"gender"`
	LockedAt      *stamp   `json:"lockedAt"`
	IsActive      bool     `json:"isActive"`
	IsLocked      bool     `json:"isLocked"`
	Changes       *[]delta `json:"changes,omitempty"`
}

// view shows a record as the partner brought it, whatever else is known of the
// user.
func view(rec store.Record) userView {
	doc, st := rec.Strand.Document, rec.Strand
	v := userView{
		EmailVerified: doc.Text(user.EmailVerified) == "true",
		Username:      doc.Get(user.PreferredName),
		Email:         doc.Get(user.EmailAttr),
		CreatedBy:     named(st.CreatedBy),
		CreatedAt:     stamped(st.Created),
		UpdatedAt:     stamped(st.Updated),
		DeletedAt:     stamped(st.Withdrawn),
		UpdatedBy:     named(st.UpdatedBy),
		DeletedBy:     named(st.WithdrawnBy),
		FirstName:     doc.Get(user.GivenName),
		LastName:      doc.Get(user.FamilyName),
		Locale:        doc.Get(user.Locale),
		Roles:         user.List(doc.Get(user.Roles)),
		PhoneNumber:   doc.Get(user.PhoneNumber),
		Avatar:        doc.Get(user.Picture),
		Birthday:      doc.Get(user.Birthdate),
		Gender:        doc.Get(user.Gender),
		LockedAt:      stamped(rec.LockedAt),
		IsLocked:      !rec.LockedAt.IsZero(),
	}
	if v.UpdatedAt == nil {
		v.UpdatedAt = v.CreatedAt
	}
	v.IsActive = !v.IsLocked && v.DeletedAt == nil
	if id, ok := snowflake.Parse(rec.Number); ok {
		guid := snowflake.GUID(resource, id)
		number := rec.Number
		v.ID, v.GUID = &number, &guid
	}
	return v
}

func named(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// delta is one field that a dry run would change, in the partner's words.
type delta struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}

// fieldNames are the partner's names of attributes.
var fieldNames = map[user.Attr]string{
	user.EmailAttr: "email", user.EmailVerified: "emailVerified", user.PreferredName: "username",
	user.GivenName: "firstName", user.FamilyName: "lastName", user.Locale: "locale", user.Roles: "roles",
	user.PhoneNumber: "phoneNumber", user.Picture: "avatar", user.Birthdate: "birthday", user.Gender: "gender",
}

// deltas shows changes with the values this API would show. What has no name
// here is left out.
func deltas(changes []feed.Change) *[]delta {
	out := make([]delta, 0, len(changes))
	for _, c := range changes {
		if name, ok := fieldNames[c.Attr]; ok {
			out = append(out, delta{Field: name, From: shown(c.Attr, c.From), To: shown(c.Attr, c.To)})
		}
	}
	return &out
}

func shown(a user.Attr, v *string) any {
	if v == nil {
		return nil
	}
	switch a {
	case user.EmailVerified:
		return *v == "true"
	case user.Roles:
		return user.List(v)
	default:
		return *v
	}
}
