package user

import "time"

// Group is a set of users with a kind: a system group such as Vetted, a role,
// a partner's or portal's group, an organisation.
type Group struct {
	ID         ID
	Kind       string
	Name       string
	Parent     ID
	ExternalID string
	// System groups cannot be deleted or renamed.
	System     bool
	Attributes map[string]string
	Created    time.Time
}

// Kinds of groups that usher itself gives a meaning.
const (
	GroupSystem = "system" // Vetted
	GroupRole   = "role"   // sysadmin, operator, staff
	GroupPlain  = "group"
	// GroupEDI is the kind of the groups that people make at the EDI door; the
	// name of one is its EDI number (contract edi.md, section 6).
	GroupEDI = "edi"
	// The kinds of the GraphQL door (contract gqlauth.md, section 10). A working
	// group's Parent is its institution.
	GroupInstitution = "institution"
	GroupField       = "research_field"
	GroupWorking     = "working_group"
	// The kinds of the Sunbird door (contract sunbird.md, B.5): a channel is a root
	// organisation, and Parent of an organisation is its channel.
	GroupChannel      = "channel"
	GroupOrganisation = "organisation"
	// GroupRealm is the kind of a portal realm's groups, named by their full path.
	GroupRealm = "realm"
)

// Vetted is the system group whose members may reserve profiles at the EDI door.
const Vetted = "Vetted"

// Roles with a meaning of their own.
const (
	RoleOperator = "operator"
	RoleStaff    = "staff"
	RoleSysadmin = "sysadmin"
	RolePublic   = "PUBLIC" // everybody at the Sunbird door
)

// MadeBy is the attribute of a group that says which source brought it; an operator
// made the others.
const MadeBy = "made_by"

// MemberOwner is the role of somebody who owns a group and is no member of it.
const MemberOwner = "owner"

// MemberRepresentative is the role of somebody who speaks for a working group
// and need not be a member of it.
const MemberRepresentative = "representative"

// MemberRepresenting is the role of a representative who is a member too.
const MemberRepresenting = "representing_member"

// Membership puts a user in a group, on a strand's word.
type Membership struct {
	Group  ID
	User   ID
	Strand ID
	Role   string
	Since  time.Time
}
