// Package edge attacks the HTTP edge of the real program: raw bytes on raw
// sockets, straight and through the proxies that people put in front.
//
//	startup     an internal listener that anybody could reach is refused       H1
//	headers     x-user-ctx in every spelling, Connection, Trailer        H2 H3 H4
//	framing     where one request ends and the next begins                     H7
//	hosts       Host, absolute targets, X-Forwarded-*                      H6 H8
//	slow, sizes clients that never finish, heads and bodies without end        H9
//	bodies      repeated and deep members, wrong types, members too many  H10 H11
//	crosssite   every route that a cookie opens
//	proxies     headers and framing again, behind nginx and haproxy
//	data        the data folder is taken away while usher serves
//	claims      docs/security.md names tests that exist                        H5
//
// The ids are those of docs/security.md. Tests only. Neighbours: harness starts
// the program, chaos sends it what is merely wrong.
package edge
