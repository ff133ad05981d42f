package main

import (
	"net/http"
	"time"
)

// lively is a transport that finds out when a connection has died without a word.
// Over HTTP/2 all requests to the issuer share one, and each would go down with it
// until the system gives up on it, a quarter of an hour later. A stream of the feed
// is never silent for as long, so that it costs nothing.
func lively() *http.Transport {
	t := &http.Transport{}
	if usual, ok := http.DefaultTransport.(*http.Transport); ok {
		t = usual.Clone()
	}
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second}
	return t
}
