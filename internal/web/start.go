package web

import (
	"net/http"

	"github.com/usher-id/usher/internal/user"
)

// Start is what the start page tells. Outside development mode it tells the
// name alone.
type Start struct {
	Version  string
	Public   string // base URL of the public listener, "http://127.0.0.1:8080"
	Internal string // base URL of the internal listener; empty: there is none
	Dev      bool
	// Command is how the command line is called from where the server was
	// started; empty: "go run ./cmd/usher".
	Command string
	// SignIn is where people sign in at the EDI door; empty: no provider is configured.
	SignIn string
	Doors  []DoorCard
}

// DoorCard is one door on the start page.
type DoorCard struct {
	Door  user.Door
	State DoorState
	// Needs names the configuration keys that are missing, for NeedsConfig.
	Needs []string
}

// DoorState says whether a door answers.
type DoorState string

const (
	Open        DoorState = "open"
	NeedsConfig DoorState = "needs-config" // Needs says which keys
	Off         DoorState = "off"          // switched off by configuration
	Later       DoorState = "later"        // comes with a later release
)

// card is a DoorCard with what can be tried at it.
type card struct {
	DoorCard
	Steps []step
}

func (s Start) cards() []card {
	cards := make([]card, 0, len(s.Doors))
	for _, d := range s.Doors {
		c := card{DoorCard: d}
		if d.State == Open {
			c.Steps = s.steps(d.Door)
		}
		cards = append(cards, c)
	}
	return cards
}

func (p *Pages) start(w http.ResponseWriter, r *http.Request) {
	if !p.info.Dev {
		p.render(w, r, http.StatusOK, "closed", nil)
		return
	}
	p.render(w, r, http.StatusOK, "start", struct {
		Start
		Cards []card
	}{p.info, p.info.cards()})
}
