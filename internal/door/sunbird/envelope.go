package sunbird

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// answer is the 1.14 envelope (contract B.2).
type answer struct {
	ID           string         `json:"id"`
	Ver          string         `json:"ver"`
	TS           string         `json:"ts"`
	Params       params         `json:"params"`
	ResponseCode string         `json:"responseCode"`
	Result       map[string]any `json:"result"`
}

type params struct {
	ResMsgID *string `json:"resmsgid"`
	MsgID    string  `json:"msgid"`
	Err      *string `json:"err"`
	Status   string  `json:"status"`
	ErrMsg   *string `json:"errmsg"`
}

// timeFormat is yyyy-MM-dd HH:mm:ss:SSSZ, to which the milliseconds are added:
// Go's own fraction begins with a point or comma.
const timeFormat = "2006-01-02 15:04:05"

func stamp(t time.Time) string {
	t = t.UTC()
	ms := t.Nanosecond() / int(time.Millisecond)
	digits := []byte{byte('0' + ms/100), byte('0' + ms/10%10), byte('0' + ms%10)}
	return t.Format(timeFormat) + ":" + string(digits) + "+0000"
}

var letters = regexp.MustCompile(`^[A-Za-z]+$`)

// names gives id and ver of a service path (contract B.2): "/v1/user/get/email/x1"
// is api.user.get.email and v1.
func names(path string) (id, ver string) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	ver = segments[0]
	if ver == "private" {
		return "", ver
	}
	kept := []string{"api"}
	for _, s := range segments {
		if letters.MatchString(s) {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "."), ver
}

// maxMsgID is longer than any that a client has reason to send.
const maxMsgID = 128

// msgID is the caller's, if it can be repeated, else a new one.
func msgID(r *http.Request) string {
	if id := r.Header.Get("X-msgId"); id != "" && len(id) <= maxMsgID && printable(id) {
		return id
	}
	return uuid.NewString()
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (d *Door) envelope(r *http.Request, path string) answer {
	id, ver := names(path)
	return answer{ID: id, Ver: ver, TS: stamp(d.Now()), Params: params{MsgID: msgID(r)}, Result: map[string]any{}}
}

// good answers a request that was carried out.
func (d *Door) good(w http.ResponseWriter, r *http.Request, path string, result map[string]any) {
	a := d.envelope(r, path)
	a.Params.Status, a.ResponseCode, a.Result = "success", "OK", result
	d.write(w, http.StatusOK, a)
}

// bad answers with a failure.
func (d *Door) bad(w http.ResponseWriter, r *http.Request, path string, f failure) {
	a := d.envelope(r, path)
	status := f.err
	if f.status != "" {
		status = f.status
	}
	a.Params.Err, a.Params.Status, a.Params.ErrMsg, a.ResponseCode = &f.err, status, &f.msg, f.code.name
	if f.result != nil {
		a.Result = f.result
	}
	if f.retryAfter != "" {
		w.Header().Set("Retry-After", f.retryAfter)
	}
	d.write(w, f.code.http, a)
}

func (d *Door) write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // maps of texts and flags always can be
		d.Log.Error("writing an answer", "err", err)
		status, body = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
