package main

import (
	"github.com/usher-id/usher/internal/onboarding"
	"github.com/usher-id/usher/internal/providerlogin"
)

// google is Google's sign-in at the Sunbird door; nil where no client is
// configured.
func (a *app) google(people *onboarding.Service) (*providerlogin.Service, error) {
	return nil, nil
}
