// Package test holds the checks that need other people's software: the
// Wycheproof vectors, other JOSE libraries as oracles, and outside OAuth
// clients. It is a module of its own, so that none of it reaches the library.
package test
