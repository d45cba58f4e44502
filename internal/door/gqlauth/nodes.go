package gqlauth

import (
	"strconv"

	graphql "github.com/graph-gophers/graphql-go"
)

// The structs below are types of the schema: the engine reads their fields by
// name. Sets are functions, so that each time one is written into the answer it
// is counted.

// person is UserNode and UserType, which differ in their id.
type person struct {
	ID               graphql.ID
	PK               *int32
	LastLogin        *dateTime
	IsStaff          bool
	IsActive         bool
	DateJoined       dateTime
	Email            string
	Username         string
	FirstName        string
	LastName         string
	IsRepresentative bool
	Member           *workingGroup `graphql:"workingGroup"`
	Represented      *workingGroup `graphql:"workinggroup"`
	Archived         *bool
	Verified         *bool
	SecondaryEmail   *string

	of User
}

type workingGroup struct {
	ID             graphql.ID
	Name           string
	Institution    *institution
	Representative *person
	NEmployees     *int32
	Field          *researchField
	CustomuserSet  func() []*person

	of WorkingGroup
}

type institution struct {
	ID              graphql.ID
	Name            string
	City            string
	State           *string
	Country         string
	WorkinggroupSet func() []*workingGroup

	ref string
}

type researchField struct {
	ID              graphql.ID
	Field           string
	Subfield        string
	WorkinggroupSet func() []*workingGroup

	ref string
}

type connection struct {
	PageInfo pageInfo
	Edges    func() []*edge
}

type pageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

type edge struct {
	Node   *person
	Cursor string
}

// kindOfNode is which of the two types a user is shown as.
type kindOfNode uint8

const (
	asNode kindOfNode = iota // UserNode, with a global id
	asType                   // UserType, with the pk for an id
)

// show makes a user for the eyes of v. An address is shown to its owner and to
// staff, else only where all says so.
func show(u User, k kindOfNode, v viewer, all bool) *person {
	p := &person{
		PK: &u.PK, IsStaff: u.Staff, IsActive: u.Active, DateJoined: dateTime{u.Joined},
		Username: u.Username, FirstName: u.FirstName, LastName: u.LastName,
		IsRepresentative: u.Representative, Archived: &u.Archived, Verified: &u.Verified, of: u,
	}
	p.ID = graphql.ID(strconv.Itoa(int(u.PK)))
	if k == asNode {
		p.ID = graphql.ID(globalID(userNode, int(u.PK)))
	}
	if u.LastLogin != nil {
		p.LastLogin = &dateTime{*u.LastLogin}
	}
	if all || v.sees(u) {
		p.Email = u.Email
	}
	if v.sees(u) {
		p.SecondaryEmail = u.SecondaryEmail
	}
	return p
}

// count notes what a set adds to the answer; past the limit the operation ends.
func count[T any](x *exchange, set []T) []T {
	x.mu.Lock()
	x.objects += len(set)
	over := x.objects > maxObjects
	x.mu.Unlock()
	if over {
		x.end(errTooManyObjects)
		return nil
	}
	return set
}

// viewer is what decides what somebody may see.
type viewer struct {
	signedIn bool
	pk       int32 // 0 for nobody
	staff    bool
}

func (v viewer) sees(u User) bool { return v.staff || v.pk != 0 && v.pk == u.PK }

// mayList says whether the viewer may ask for other users.
func (v viewer) mayList(q UsersQuery) bool {
	switch q {
	case UsersPublic:
		return true
	case UsersStaff:
		return v.staff
	default:
		return v.signedIn
	}
}
