package web

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/usher-id/usher/internal/store"
)

// shownMost bounds the list a person sees.
const shownMost = 200

// inboxData is the list page's.
type inboxData struct {
	To, Channel string
	Messages    []store.Message
	More        bool // older ones are left out
	Live        bool // the page loads itself again
	Toggle      string
}

const liveSeconds = 5

func (d inboxData) refresh() int {
	if d.Live {
		return liveSeconds
	}
	return 0
}

// inbox lists messages, newest first.
func (p *Pages) inbox(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	d := inboxData{To: strings.TrimSpace(q.Get("to")), Channel: q.Get("channel"), Live: q.Get("live") == "1"}
	if d.Channel != "email" && d.Channel != "sms" {
		d.Channel = ""
	}
	var err error
	if d.Messages, err = p.messages(r, store.MessageFilter{To: d.To, Channel: d.Channel}); err != nil {
		p.fault(w, r, err)
		return
	}
	slices.Reverse(d.Messages)
	if len(d.Messages) > shownMost {
		d.Messages, d.More = d.Messages[:shownMost], true
	}
	d.Toggle = toggle(d)
	p.render(w, r, http.StatusOK, "inbox", d)
}

// toggle is the list's own address with live turned the other way.
func toggle(d inboxData) string {
	q := url.Values{}
	if d.To != "" {
		q.Set("to", d.To)
	}
	if d.Channel != "" {
		q.Set("channel", d.Channel)
	}
	if !d.Live {
		q.Set("live", "1")
	}
	return (&url.URL{Path: "/dev/inbox", RawQuery: q.Encode()}).String()
}

// messages reads what passes the filter, oldest first.
func (p *Pages) messages(r *http.Request, f store.MessageFilter) ([]store.Message, error) {
	var found []store.Message
	err := p.store.View(r.Context(), func(rd store.Reader) error {
		var err error
		found, err = rd.Messages(f)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b store.Message) int {
		if c := a.Sent.Compare(b.Sent); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return found, nil
}

// find gives one message.
func (p *Pages) find(r *http.Request) (store.Message, bool, error) {
	all, err := p.messages(r, store.MessageFilter{})
	i := slices.IndexFunc(all, func(m store.Message) bool { return string(m.ID) == r.PathValue("id") })
	if err != nil || i < 0 {
		return store.Message{}, false, err
	}
	return all[i], true, nil
}

// webLink finds the addresses in a text that a person may want to follow.
var webLink = regexp.MustCompile(`https?://[^\s<>"']+[^\s<>"'.,;:!?)]`)

func (p *Pages) message(w http.ResponseWriter, r *http.Request) {
	m, ok, err := p.find(r)
	switch {
	case err != nil:
		p.fault(w, r, err)
	case !ok:
		p.NotFound(w, r)
	default:
		p.render(w, r, http.StatusOK, "message", struct {
			store.Message
			Links []string
		}{m, webLink.FindAllString(m.Text, -1)})
	}
}

// messageHTML gives a mail's HTML part for the frame on its page. It is a
// document of its own, since one written into the page would come under the
// page's policy and lose its styles.
func (p *Pages) messageHTML(w http.ResponseWriter, r *http.Request) {
	m, ok, err := p.find(r)
	switch {
	case err != nil:
		p.fault(w, r, err)
	case !ok || m.HTML == "":
		p.NotFound(w, r)
	default:
		secure(w.Header(), framedPolicy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, strings.Replace(m.HTML, "<head>", `<head><base target="_blank">`, 1))
	}
}

// inboxJSON gives messages to programs, oldest first.
func (p *Pages) inboxJSON(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f := store.MessageFilter{To: q.Get("to"), Channel: q.Get("channel")}
	if f.Channel != "" && f.Channel != "email" && f.Channel != "sms" {
		problem(w, http.StatusBadRequest, `channel must be "email" or "sms".`)
		return
	}
	if s := q.Get("since"); s != "" {
		t, ok := parseSince(s)
		if !ok {
			problem(w, http.StatusBadRequest, "since must be unix time in seconds, or an RFC 3339 time.")
			return
		}
		f.Since = t
	}
	found, err := p.messages(r, f)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	type message struct {
		ID      string `json:"id"`
		Channel string `json:"channel"`
		To      string `json:"to"`
		Subject string `json:"subject"`
		Text    string `json:"text"`
		HTML    string `json:"html"`
		SentAt  string `json:"sent_at"`
	}
	list := make([]message, 0, len(found))
	for _, m := range found {
		list = append(list, message{
			string(m.ID), m.Channel, m.To, m.Subject, m.Text, m.HTML,
			m.Sent.UTC().Format("2006-01-02T15:04:05.000000Z"),
		})
	}
	secure(w.Header(), dataPolicy)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"messages": list})
}

// endOfYears is the last second that RFC 3339 can write; milliseconds given
// for seconds lie beyond it.
const endOfYears = 253402300799

// parseSince reads unix seconds, which may have a fraction, or an RFC 3339
// time. A fraction finer than a microsecond is cut off.
func parseSince(s string) (time.Time, bool) {
	if !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789.-", r) }) {
		if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f <= endOfYears {
			return time.UnixMicro(int64(math.Floor(f * 1e6))).UTC(), true
		}
		return time.Time{}, false
	}
	// A plus sign that was not escaped in the query has become a space.
	t, err := time.Parse(time.RFC3339, strings.Replace(s, " ", "+", 1))
	return t.UTC(), err == nil && t.Year() >= 1970
}
