// Package server runs usher's two listeners and what every request passes
// before a door sees it.
//
//	public ────┐   observe        id, client network, access log
//	internal ──┤   secure headers
//	           │   framing        a body that could hide a second request
//	           │   internal names x-user-ctx and its spellings: public only
//	           │   recovery       a panic becomes a 500
//	           │   health         /health/live, /health/ready
//	           │   hosts          421 for names that are not ours
//	           └─> body limit ──> HostMux ──> doors, web; no path is redirected
//
// The chain copies the request once and allocates one struct for everything it
// remembers. Streaming routes lift its limits with Stream; cookie-authenticated
// routes add CrossSite.
//
// Neighbours: internal/config names the addresses, cmd/usher brings the
// handlers, internal/jsonx reads the bodies.
package server
