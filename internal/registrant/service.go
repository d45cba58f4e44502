package registrant

import (
	"log/slog"
	"time"

	"github.com/usher-id/usher/internal/store"
)

// Service serves the people of realms.
type Service struct {
	Store    store.Store
	Policies Policies
	Realms   []Realm
	Log      *slog.Logger
	Now      func() time.Time
	// PublicURL is the base of links in mails, Site what mails call the service
	// where policy says nothing.
	PublicURL, Site string
	// Direct asks a realm to see to groups; false where none can be asked, and no
	// job for it is queued.
	Direct bool

	seen seen
}

// SiteName is what mails and pages call the service.
func (s *Service) SiteName() string {
	if name := s.Policies.Current().Portal.Site; name != "" {
		return name
	}
	return s.Site
}
