// Package portal walks through the portal door of a running server with a real
// Keycloak: what people and apps do, what the realm tells, and what happens while it
// cannot be reached.
package portal
