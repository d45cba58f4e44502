package sunbird

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/usher-id/usher/test/oidc/idp"
)

// Given one code, when many forms come with it at once, then one user is made.
func TestOneCodeManyForms(t *testing.T) {
	inTown(t, func(w town) {
		for n := range 5 {
			phone := fmt.Sprintf("987650900%d", n)
			code := w.code("phone", phone)
			made := w.together(20, func(i int) bool {
				_, status := w.call("/v2/user/create", "", map[string]any{"firstName": fmt.Sprint("Asha ", i), "phone": phone, "OTP": code})
				return status == http.StatusOK
			})
			if made != 1 {
				t.Errorf("%d users were made with one code", made)
			}
			if s, code := w.get("phone", phone); s.ID == "" {
				t.Errorf("nobody has the phone: %s", code)
			}
		}
	})
}

// Given one person's first arrivals at once, by Google and by the partner's word,
// then there is one user.
func TestFirstArrivalsAtOnce(t *testing.T) {
	withGoogle(t, func(w town, google *idp.Issuer) {
		for n := range 5 {
			email := fmt.Sprintf("amit%d@gmail.com", n)
			w.together(6, func(i int) bool {
				if i%2 == 0 {
					status, _ := w.android(google.ID(fmt.Sprint("sub", n), mine(email, nil)), email)
					return status == http.StatusOK
				}
				_, status := w.call("/v2/user/create", w.portal, map[string]any{"firstName": "Amit", "email": email, "emailVerified": true})
				return status == http.StatusOK
			})
			// Whoever was turned away by a conflict comes again.
			if status, in := w.android(google.ID(fmt.Sprint("sub", n), mine(email, nil)), email); status != http.StatusOK {
				t.Fatalf("%d %v", status, in)
			}
			her := w.show(email)
			with := 0
			for _, line := range strings.Split(w.CLI("user", "list", "--limit", "1000"), "\n") {
				if strings.Contains(line, email) && !strings.Contains(line, "merged") {
					with++
				}
			}
			if with != 1 || len(her.Identities) != 1 {
				t.Errorf("%d users with %s: %+v", with, email, her)
			}
		}
	})
}

// together does something n times at once, and says how often it was done.
func (w town) together(n int, do func(i int) bool) (done int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			if do(i) {
				mu.Lock()
				defer mu.Unlock()
				done++
			}
		})
	}
	wg.Wait()
	return done
}
