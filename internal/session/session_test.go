package session_test

import (
	"testing"
)

func TestSession(t *testing.T) {
	each(t, func(w *world) {
		for name, run := range map[string]func(*world){
			"access": accessAlone, "claims": ediTokenClaims, "signing in": signingIn, "foreign tokens": foreignTokens,
			"cookies": cookiesOfOthers, "minting": minting, "renewed for ever": renewedForEver, "original": originalTokens,
			"ending one": endingOne, "ending all": endingAll, "reuse": reuseEnds, "numbers": partnerNumbers, "purge": purgedSessions,
			"rotation": rotatedKeys, "one access token": oneAccessToken, "a browser": browserAlone,
		} {
			all := w.T
			all.Run(name, func(t *testing.T) {
				w.T = t
				run(w)
			})
			w.T = all
		}
	})
}
