package event

// Kind says what happened.
type Kind string

const (
	UserCreated         Kind = "user.created"
	UserChanged         Kind = "user.changed"
	UserDeleted         Kind = "user.deleted"
	UserErased          Kind = "user.erased"
	UserEvicted         Kind = "user.evicted"
	UserMerged          Kind = "user.merged"
	UserUnmerged        Kind = "user.unmerged"
	UserLocked          Kind = "user.locked"
	UserUnlocked        Kind = "user.unlocked"
	AdmissionDecided    Kind = "admission.decided"
	StrandLinked        Kind = "strand.linked"
	StrandWithdrawn     Kind = "strand.withdrawn"
	ReservationClaimed  Kind = "reservation.claimed"
	ReservationAbsorbed Kind = "reservation.absorbed"
	SignUpJoined        Kind = "signup.joined"
	AddressProven       Kind = "address.proven"
	AddressRemoved      Kind = "address.removed"
	LinkMailed          Kind = "link.mailed"
	SessionStarted      Kind = "session.started"
	SessionEnded        Kind = "session.ended"
	SignInFailed        Kind = "signin.failed"
	RefreshReused       Kind = "refresh.reused"
	GroupCreated        Kind = "group.created"
	GroupChanged        Kind = "group.changed"
	GroupDeleted        Kind = "group.deleted"
	GroupJoined         Kind = "group.joined"
	GroupLeft           Kind = "group.left"
	PasswordChanged     Kind = "password.changed"
	PasswordUpgraded    Kind = "password.upgraded"
	PolicyApplied       Kind = "policy.applied"
	KeyRotated          Kind = "key.rotated"
)
