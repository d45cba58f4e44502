package mail

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"io"
	"math/big"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Answers that are not sent as they are.
const (
	drop    = "(closes the connection)"
	takes   = "(takes the mail, then closes the connection without a word)"
	silence = "(says nothing until the client leaves)"
	drips   = "(sends a letter now and then, and never a line)"
	floods  = "(sends letters as fast as it can, and never a line)"
)

// script says what the server answers at each step, one answer after another
// over all sessions, the last of them for ever. Steps are "connect", the
// commands, and "." for the end of a mail. Without answers a step goes well.
type script map[string][]string

// server is an SMTP server (RFC 5321) on this machine.
type server struct {
	script   script
	starttls bool
	implicit bool
	auth     string // mechanisms; empty: none
	// atEnd is called when a mail is there whole, before it is answered.
	atEnd func()

	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	sessions sync.WaitGroup

	mu    sync.Mutex
	steps map[string]int
	taken []taken
}

// taken is a mail that the server has accepted.
type taken struct {
	from, to  string
	text      string
	encrypted bool
	login     string // "user password"
}

func (m taken) id(t *testing.T) string {
	t.Helper()
	msg, err := netmail.ReadMessage(strings.NewReader(m.text))
	if err != nil {
		t.Fatal(err)
	}
	return msg.Header.Get("Message-Id")
}

// start runs a server until the test ends, and fails the test where a client
// leaves a connection open.
func start(t *testing.T, s *server) *server {
	t.Helper()
	s.steps = map[string]int{}
	s.tls, s.roots = certificate(t)
	s.listen(t, "127.0.0.1:0")
	t.Cleanup(func() {
		_ = s.listener.Close()
		left := make(chan struct{})
		go func() { s.sessions.Wait(); close(left) }()
		select {
		case <-left:
		case <-time.After(20 * time.Second):
			t.Error("a connection stays open")
		}
	})
	return s
}

func (s *server) listen(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.sessions.Go(func() { defer c.Close(); s.serve(c) })
		}
	}()
}

func (s *server) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *server) mails() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

func (s *server) seen(step string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.steps[step]
}

// answer gives the next answer at a step, or well.
func (s *server) answer(step, well string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.steps[step]
	s.steps[step]++
	if list := s.script[step]; len(list) > 0 {
		if a := list[min(n, len(list)-1)]; a != "" {
			return a
		}
	}
	return well
}

// session is one conversation.
type session struct {
	net.Conn
	in   *bufio.Reader
	mail taken
}

// say sends an answer, and is false where the conversation is over.
func (c *session) say(answer string) bool {
	switch answer {
	case drop, takes:
		return false
	case silence:
		_, _ = io.Copy(io.Discard, c)
		return false
	case drips, floods:
		letters := []byte("2")
		if answer == floods {
			letters = bytes.Repeat(letters, 64<<10)
		}
		for {
			if _, err := c.Write(letters); err != nil {
				return false
			}
			if answer == drips {
				time.Sleep(5 * time.Millisecond)
			}
		}
	}
	_, err := io.WriteString(c, answer+"\r\n")
	return err == nil
}

func (s *server) serve(conn net.Conn) {
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	c := &session{Conn: conn, in: bufio.NewReader(conn)}
	c.mail.encrypted = s.implicit
	if !c.say(s.answer("connect", "220 mail.test ESMTP")) {
		return
	}
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if !s.command(c, strings.ToUpper(verb), rest) {
			return
		}
	}
}

func (s *server) command(c *session, verb, rest string) bool {
	switch verb {
	case "EHLO":
		lines := []string{"mail.test", "SMTPUTF8", "8BITMIME"}
		if s.starttls && !c.mail.encrypted {
			lines = append(lines, "STARTTLS")
		}
		if s.auth != "" {
			lines = append(lines, "AUTH "+s.auth)
		}
		last := len(lines) - 1
		return c.say(s.answer(verb, "250-"+strings.Join(lines[:last], "\r\n250-")+"\r\n250 "+lines[last]))
	case "STARTTLS":
		if !c.say(s.answer(verb, "220 go on")) {
			return false
		}
		encrypted := tls.Server(c.Conn, s.tls)
		c.Conn, c.in = encrypted, bufio.NewReader(encrypted)
		c.mail.encrypted = true
		return true
	case "AUTH":
		c.mail.login = s.credentials(c, rest)
		return c.say(s.answer(verb, "235 welcome"))
	case "MAIL":
		c.mail.from = rest
		return c.say(s.answer(verb, "250 ok"))
	case "RCPT":
		c.mail.to = rest
		return c.say(s.answer(verb, "250 ok"))
	case "DATA":
		a := s.answer(verb, "354 go on")
		if !c.say(a) || a[0] != '3' {
			return a[0] >= '2' && a[0] <= '5'
		}
		return s.data(c)
	case "QUIT":
		c.say(s.answer(verb, "221 bye"))
		return false
	case "HELO", "RSET", "NOOP", "*":
		return c.say(s.answer(verb, "250 ok"))
	}
	return c.say("502 what?")
}

func (s *server) data(c *session) bool {
	text, err := io.ReadAll(textproto.NewReader(c.in).DotReader())
	if err != nil {
		return false
	}
	c.mail.text = string(text)
	if s.atEnd != nil {
		s.atEnd()
	}
	a := s.answer(".", "250 queued")
	if a == takes || a[0] == '2' {
		s.mu.Lock()
		s.taken = append(s.taken, c.mail)
		s.mu.Unlock()
	}
	return c.say(a)
}

// credentials takes the client's, by PLAIN (RFC 4616) or LOGIN.
func (s *server) credentials(c *session, rest string) string {
	decode := func(text string) string {
		b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		return string(b)
	}
	mechanism, first, _ := strings.Cut(rest, " ")
	if mechanism == "PLAIN" {
		return strings.TrimSpace(strings.ReplaceAll(decode(first), "\x00", " "))
	}
	var said []string
	for _, prompt := range []string{"Username:", "Password:"} {
		c.say("334 " + base64.StdEncoding.EncodeToString([]byte(prompt)))
		line, _ := c.in.ReadString('\n')
		said = append(said, decode(line))
	}
	return strings.Join(said, " ")
}

// certificate makes a certificate for 127.0.0.1 and the roots that trust it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}
