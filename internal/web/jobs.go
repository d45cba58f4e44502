package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/usher-id/usher/internal/job"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
)

// jobsPath is where the internal listener shows what was given up.
const jobsPath = "/jobs"

// jobsData is the page's.
type jobsData struct {
	Jobs []store.Job
	More bool // only the first of them are shown
	Note string
}

// Operator serves the pages of the internal listener: the jobs that were given
// up, and their being tried again. A secret, where there is one, is asked for as
// the password of HTTP Basic authentication, since a browser sends no header of
// another kind.
func (p *Pages) Operator(secret string) http.Handler {
	guard := basic(secret)
	mux := http.NewServeMux()
	for path, a := range p.assets {
		mux.HandleFunc("GET "+path, a.serve)
	}
	mux.HandleFunc("GET "+jobsPath, guard(p.jobs))
	mux.HandleFunc("POST "+jobsPath+"/{id}/retry", guard(p.retry))
	mux.HandleFunc("POST "+jobsPath+"/retry", guard(p.retryAll))
	mux.HandleFunc("/", p.NotFound)
	return p.asWritten(http.NewCrossOriginProtection().Handler(mux))
}

// basic asks for a secret; an empty one is none.
func basic(secret string) func(http.HandlerFunc) http.HandlerFunc {
	want := sha256.Sum256([]byte(secret))
	return func(h http.HandlerFunc) http.HandlerFunc {
		if secret == "" {
			return h
		}
		return func(w http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			if given := sha256.Sum256([]byte(password)); subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
				w.Header().Set("WWW-Authenticate", `Basic realm="usher operator", charset="UTF-8"`)
				problem(w, http.StatusUnauthorized, "The password is doors.partner.internal_secret; the user name does not matter.")
				return
			}
			h(w, r)
		}
	}
}

func (p *Pages) jobs(w http.ResponseWriter, r *http.Request) {
	d := jobsData{Note: note(r.URL.Query())}
	err := p.store.View(r.Context(), func(rd store.Reader) error {
		var err error
		d.Jobs, err = rd.Jobs(store.JobDead, shownMost+1)
		return err
	})
	if err != nil {
		p.fault(w, r, err)
		return
	}
	if d.More = len(d.Jobs) > shownMost; d.More {
		d.Jobs = d.Jobs[:shownMost]
	}
	p.renderAs(w, r, http.StatusOK, "jobs", view{Operator: true, Data: d})
}

// note says what the click that led here did.
func note(q url.Values) string {
	switch n, err := strconv.Atoi(q.Get("again")); {
	case q.Get("again") == "":
		return ""
	case err != nil || n < 0:
		return ""
	case n == 0:
		return "Nothing was left to try: it is done, or was tried again already."
	case n == 1:
		return "It is tried again within a second. What fails for good comes back here."
	default:
		return strconv.Itoa(n) + " are tried again now. What fails for good comes back here."
	}
}

func (p *Pages) retry(w http.ResponseWriter, r *http.Request) {
	p.again(w, r, func(tx store.Tx) (int, error) { return retryOne(tx, user.ID(r.PathValue("id"))) })
}

func (p *Pages) retryAll(w http.ResponseWriter, r *http.Request) {
	p.again(w, r, func(tx store.Tx) (int, error) {
		dead, err := tx.Jobs(store.JobDead, 1000)
		if err != nil {
			return 0, err
		}
		total := 0
		for _, j := range dead {
			n, err := retryOne(tx, j.ID)
			if err != nil {
				return 0, err
			}
			total += n
		}
		return total, nil
	})
}

func retryOne(tx store.Tx, id user.ID) (int, error) {
	err := job.Retry(tx, id)
	if errors.Is(err, store.ErrNotFound) { // a second click, or somebody else's
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// again makes jobs due and leads back to the list, so that loading the page
// again repeats nothing.
func (p *Pages) again(w http.ResponseWriter, r *http.Request, fn func(store.Tx) (int, error)) {
	total := 0
	err := p.store.Update(r.Context(), store.Interactive, func(tx store.Tx) error {
		var err error
		total, err = fn(tx)
		return err
	})
	if err != nil {
		p.fault(w, r, err)
		return
	}
	secure(w.Header(), dataPolicy)
	http.Redirect(w, r, jobsPath+"?again="+strconv.Itoa(total), http.StatusSeeOther)
}
