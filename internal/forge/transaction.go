package forge

import (
	"crypto/sha256"
	"encoding/base64"

	"github.com/narrowcast-io/narrowcast"
)

// details is the claim of RFC 9396 section 9.1.
const details = "authorization_details"

// paymentDetail is one that a verifier leaves to the application.
const paymentDetail = `[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"10.00"}}]`

// The request that came, wherever one is told.
const (
	askedMethod  = "POST"
	askedTarget  = "/charges?currency=EUR"
	askedContent = `{"amount":"10.00"}`
)

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// described writes the detail that describes the request, with members changed: a
// name and a value for each. An empty value drops the member.
func (l *letter) described(changes ...string) string {
	d := object{
		{"type", quoted(narrowcast.RequestDetail)},
		{"locations", list(l.w.Audience.String())},
		{"method", quoted(askedMethod)},
		{"target", quoted(askedTarget)},
		{"digest", quoted(digest(askedContent))},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			d.drop(changes[i])
			continue
		}
		d.set(changes[i], changes[i+1])
	}
	return d.text()
}

// transactions are tokens for one exact request that come with another one, and
// tokens that do not say clearly what they are for.
func transactions() []wrong {
	const clause = "RFC 9396 §9.1"
	mismatch := narrowcast.TxnMismatch
	other := func(id, title string, changes ...string) wrong {
		return bad("request."+id, title, mismatch, clause, edit(func(l *letter) {
			l.payload.set(details, "["+l.described(changes...)+"]")
		}), Transaction).strict()
	}
	elsewhere := func(where func(l *letter) string) forging {
		return edit(func(l *letter) { l.payload.set(details, "["+l.described("locations", where(l))+"]") })
	}
	return append([]wrong{
		other("other-method", "for another method", "method", `"PUT"`),
		other("method-lower-case", "for the method in small letters", "method", `"post"`),
		other("other-path", "for another path", "target", `"/refunds?currency=EUR"`),
		other("path-prefix", "for a path that ours begins with", "target", `"/charges"`),
		other("other-query", "for another query", "target", `"/charges?currency=USD"`),
		other("percent-encoded", "for the path in percent-encoding", "target", `"/%63harges?currency=EUR"`),
		other("path-upper-case", "for the path in capitals", "target", `"/CHARGES?currency=EUR"`),
		other("other-content", "for another content", "digest", quoted(digest(`{"amount":"1000.00"}`))),
		other("no-content", "for a request without content", "digest", ""),
		other("empty-content", "for a request with empty content", "digest", quoted(digest(""))),
		bad("request.other-location", "for a request at another resource", mismatch, clause, elsewhere(func(l *letter) string { return list(l.w.Other.String()) }), Transaction).strict(),
		bad("request.location-prefix", "for a request at a resource whose name begins with ours", mismatch, clause, elsewhere(func(l *letter) string { return list(l.w.Audience.String() + "/v1") }), Transaction).strict(),
		bad("request.crossed", "one detail has the method and another the target", mismatch, clause, edit(func(l *letter) {
			l.payload.set(details, "["+l.described("method", `"PUT"`)+","+l.described("target", `"/refunds"`)+"]")
		}), Transaction).strict(),
		bad("request.untold", "nothing is known of the request that came", mismatch, clause, edit(plain), NoRequest).strict(),
	}, unclear()...)
}

// unclear are authorization details that cannot be understood.
func unclear() []wrong {
	const clause = "RFC 9396 §2"
	in := func(id, title, value string) wrong {
		return bad("details."+id, title, narrowcast.ClaimMalformed, clause, claim(details, value)).against("details").strict()
	}
	inner := func(id, title string, changes ...string) wrong {
		return bad("details."+id, title, narrowcast.ClaimMalformed, clause, edit(func(l *letter) {
			l.payload.set(details, "["+l.described(changes...)+"]")
		}), Transaction).strict()
	}
	const valid = "oGJz7pWcPMvHXdKbuUwsHtiPUxxp4w2gj2f3lYAm9zE=" // as long as a SHA-256
	return []wrong{
		in("object", "one detail without its list", `{"type":"payment_initiation"}`),
		in("string", "the details are a string", `"payment_initiation"`),
		in("null", "the details are null", "null"),
		in("empty", "the list of details is empty", "[]"),
		in("no-type", "a detail has no type", `[{"type":"a"},{"amount":"10.00"}]`),
		in("empty-type", "the type of a detail is empty", `[{"type":""}]`),
		in("number-type", "the type of a detail is a number", `[{"type":1}]`),
		in("list-of-strings", "a detail is a string", `["payment_initiation"]`),
		in("too-many", "more details than any honest token has", listOf(17, `{"type":"a"}`)),
		inner("no-method", "the request has no method", "method", ""),
		inner("list-method", "the request has a list of methods", "method", `["POST","PUT"]`),
		inner("no-target", "the request has no target", "target", ""),
		inner("absolute-target", "the target of the request is a whole URL", "target", `"https://pay.example.test/charges?currency=EUR"`),
		inner("no-locations", "the request has no location", "locations", ""),
		inner("string-location", "the location of the request is a string", "locations", `"https://pay.example.test"`),
		inner("empty-locations", "the list of locations is empty", "locations", "[]"),
		inner("further-member", "the request has a limit that nobody knows", "actions", `["read"]`),
		inner("null-digest", "the digest is null", "digest", "null"),
		inner("bare-digest", "the digest is not in the form of a field", "digest", quoted(valid)),
		inner("other-algorithm", "the digest is of another algorithm", "digest", quoted("sha-512=:"+valid+":")),
		inner("short-digest", "the digest is too short", "digest", quoted("sha-256=:"+valid[:40]+":")),
		inner("url-digest", "the digest is in the alphabet of URLs", "digest", quoted("sha-256=:-"+valid[1:]+":")),
		inner("two-digests", "the digest has a second member", "digest", quoted(digest(askedContent)+", "+digest(""))),
	}
}

func listOf(n int, one string) string {
	text := "[" + one
	for range n - 1 {
		text += "," + one
	}
	return text + "]"
}

// uses are tokens for one use whose use is not the first, or of which nobody knows.
func uses() []wrong {
	const clause = "law 4"
	return []wrong{
		bad("single-use.again", "for one use, and used before", narrowcast.Replayed, clause, edit(plain), UsedUp).strict(),
		bad("single-use.unknown", "for one use, and nobody can say whether it was used", narrowcast.UseUnknown, clause, edit(plain), UsesUnknown).strict(),
		bad("single-use.unremembered", "for one use, where nobody remembers what was used", narrowcast.UseUnknown, clause, edit(plain), NoUses).strict(),
	}
}
