package otp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/usher-id/usher/internal/otp"
	"github.com/usher-id/usher/internal/storetest"
	"github.com/usher-id/usher/internal/user"
)

func (d desk) refused(err error, window string, wait time.Duration) {
	d.Helper()
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok || no.Code != user.Throttled || no.Params["window"] != window || no.RetryAfter != int(wait.Seconds()) {
		d.Errorf("refused with %+v (%v), wanted %s for %s", no, err, window, wait)
	}
}

// Given an address that had its five codes of an hour, then the sixth is refused
// until an hour after the first, whoever asks; and the twenty-first of a day until
// a day after.
func TestLimitsOfAnAddress(t *testing.T) {
	each(t, func(d desk) {
		for hour := range 4 {
			for range 5 {
				d.clock.advance(time.Minute)
				d.sends(phone)
			}
			if hour == 0 {
				d.refused(d.ask(phone, "203.0.113.9/32"), "hour", 56*time.Minute)
			}
			d.clock.advance(56 * time.Minute)
		}
		d.refused(d.ask(phone), "day", 24*time.Hour-(4*61-1)*time.Minute)
		d.clock.advance(24*time.Hour - (4*61-1)*time.Minute)
		d.sends(phone)
	})
}

// Given limits on networks, on numbers that begin alike and on all, then each is
// kept, and what is refused by one is counted by none.
func TestLimitsAgainstPumping(t *testing.T) {
	each(t, func(d desk) {
		to := func(n int) otp.To {
			key := fmt.Sprintf("+9198%08d", n)
			return otp.To{Kind: user.Phone, Key: key, Display: key, Region: "IN"}
		}
		d.rules.Codes.NetworkPerHour, d.rules.Codes.PrefixPerHour, d.rules.Codes.AllPerHour = 3, 4, 6
		for n := range 3 {
			d.sends(to(n))
		}
		d.refused(d.ask(to(3)), "network", time.Hour)
		if err := d.ask(to(3), "203.0.113.1/32"); err != nil {
			d.Error(err)
		}
		d.refused(d.ask(to(4), "203.0.113.1/32"), "prefix", time.Hour)
		for n := range 2 {
			if err := d.ask(to(10_000_000*(n+1)), fmt.Sprintf("203.0.113.%d/32", n+2)); err != nil {
				d.Error(err)
			}
		}
		d.refused(d.ask(to(30_000_000), "203.0.113.9/32"), "all", time.Hour)
		if err := d.ask(otp.To{Kind: user.Email, Key: "a@b.org", Display: "a@b.org"}, "203.0.113.9/32"); err != nil {
			d.Errorf("a mail is no text: %v", err)
		}
	})
}

// Given a phone that policy does not have texted, then no code is sent; in
// development mode any is that can be.
func TestCountries(t *testing.T) {
	db := storetest.SQLite(t)
	for _, c := range []struct {
		key string
		dev bool
		ok  bool
	}{
		{"+919876543210", false, true},
		{"+447911123456", false, false}, // another country
		{"+911123456789", false, false}, // a landline
		{"+447911123456", true, true},
		{"+911111111111", true, false}, // possible, and nobody's
	} {
		d := newDesk(t, db, db, &clock{now: time.Now()}, c.dev)
		err := d.ask(otp.To{Kind: user.Phone, Key: c.key, Display: c.key})
		no, refused := errors.AsType[*user.Refusal](err)
		if c.ok != (err == nil) || !c.ok && (!refused || no.Code != user.Unsupported) {
			t.Errorf("%s (dev %t): %v", c.key, c.dev, err)
		}
	}
}

// Given development mode, then an address has its limits, and a network has none.
func TestLimitsOfDevelopment(t *testing.T) {
	db := storetest.SQLite(t)
	c := &clock{now: time.Now()}
	d := newDesk(t, db, db, c, true)
	d.rules.Codes.NetworkPerHour, d.rules.Codes.PrefixPerHour, d.rules.Codes.AllPerHour = 1, 1, 1
	for n := range 5 {
		if err := d.ask(phone); err != nil {
			t.Fatalf("send %d: %v", n+1, err)
		}
	}
	no, ok := errors.AsType[*user.Refusal](d.ask(phone))
	if !ok || no.Code != user.Throttled || no.Params["window"] != "hour" {
		t.Errorf("the sixth: %+v", no)
	}
}

// Given an address that had its codes for one purpose, then it has none for another;
// and an e-mail that reads like it is another address.
func TestWhatCountersTellApart(t *testing.T) {
	each(t, func(d desk) {
		for range 5 {
			d.sends(phone)
		}
		r := otp.Request{To: phone, Purpose: "another", Network: netip.MustParsePrefix("203.0.113.9/32")}
		d.refused(d.Send(d.Context(), r), "hour", time.Hour)
		d.sends(otp.To{Kind: user.Email, Key: number, Display: "a@b.org"})
	})
}
