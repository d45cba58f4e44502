package job

// KindRealm is a change of what an outside realm keeps of somebody; its payload is
// RealmChange.
const KindRealm = "realm"

// RealmChange is what is to be changed there.
type RealmChange struct {
	Realm   string `json:"realm"` // its name here
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Join is the full path of a group to be in.
	Join string `json:"join,omitempty"`
	// Enable lets somebody sign in there ("true") or not ("false").
	Enable *string `json:"enable,omitempty"`
}
