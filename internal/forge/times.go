package forge

import (
	"time"

	"github.com/narrowcast-io/narrowcast"
)

// times are tokens before or after their time, without one, or with too much
// of it. Everywhere but in the fault itself, exp lies after iat.
func times() []wrong {
	const exp, nbf, iat = "RFC 7519 §4.1.4", "RFC 7519 §4.1.5", "RFC 7519 §4.1.6"
	const dates = "RFC 7519 §2: NumericDate"
	missing, malformed := narrowcast.ClaimMissing, narrowcast.ClaimMalformed
	early := narrowcast.NotYetValid
	return []wrong{
		bad("expiry.absent", "no expiry", missing, exp, noClaim("exp")),
		bad("expiry.past", "expired five minutes ago", narrowcast.Expired, exp, lived(-10*time.Minute, -5*time.Minute)),
		bad("expiry.long-past", "expired a year ago", narrowcast.Expired, exp, lived(-365*24*time.Hour-5*time.Minute, -365*24*time.Hour)),
		bad("expiry.beyond-skew", "expired ten seconds ago", narrowcast.Expired, exp+"; a small leeway", lived(-5*time.Minute, -10*time.Second)).strict(),
		bad("expiry.null", "the expiry is null", malformed, dates, claim("exp", "null")),
		bad("expiry.string", "the expiry is a string", malformed, dates, edit(func(l *letter) { l.payload.set("exp", `"`+l.payload.get("exp")+`"`) })),
		bad("expiry.true", "the expiry is true", malformed, dates, claim("exp", "true")),
		bad("expiry.list", "the expiry is a list", malformed, dates, edit(func(l *letter) { l.payload.set("exp", "["+l.payload.get("exp")+"]") })),
		bad("expiry.negative", "the expiry is negative", malformed, dates, claim("exp", "-1")),
		bad("expiry.zero", "the expiry is zero", malformed, exp, claim("exp", "0")),
		bad("expiry.huge", "the expiry is beyond every number", malformed, dates, claim("exp", "1e3000")),
		bad("expiry.overflow", "the expiry overflows 64 bits", malformed, dates, claim("exp", "18446744073709551616")),
		bad("expiry.milliseconds", "the expiry is in milliseconds", malformed, dates, edit(func(l *letter) { l.payload.set("exp", l.payload.get("exp")+"000") })).strict(),
		bad("expiry.date-text", "the expiry is a date in words", malformed, dates, claim("exp", `"2037-01-01T00:00:00Z"`)),
		bad("expiry.before-issue", "the expiry lies before the issue", malformed, exp, lived(2*time.Second, 0)).strict(),
		bad("not-before.future", "valid from five minutes on", early, nbf, claimAt("nbf", 5*time.Minute)),
		bad("not-before.far-future", "valid from next year on", early, nbf, claimAt("nbf", 365*24*time.Hour)),
		bad("not-before.string", "nbf is a string", malformed, dates, claim("nbf", `"soon"`)),
		bad("not-before.null", "nbf is null", malformed, dates, claim("nbf", "null")).strict(),
		bad("not-before.huge", "nbf is beyond every number", malformed, dates, claim("nbf", "1e3000")),
		bad("issued.absent", "no iat", missing, "RFC 9068 §2.2", noClaim("iat")).strict(),
		bad("issued.future", "issued five minutes from now", early, iat, lived(5*time.Minute, 10*time.Minute)).strict(),
		bad("issued.string", "iat is a string", malformed, dates, claim("iat", `"now"`)),
		bad("issued.negative", "iat is negative", malformed, dates, claim("iat", "-1")).strict(),
		bad("lifetime.above-ceiling", "lives a second longer than the ceiling", narrowcast.LifetimeExceeded, "RFC 9700 §2.2",
			edit(func(l *letter) { l.live(0, l.w.ceiling()+time.Second) })).strict(),
		bad("lifetime.issued-long-ago", "still valid, of a life above the ceiling that is nearly over", narrowcast.LifetimeExceeded, "RFC 9700 §2.2",
			edit(func(l *letter) { l.live(-l.w.ceiling(), time.Minute) })).strict(),
		bad("lifetime.year-9999", "lives for thousands of years", narrowcast.LifetimeExceeded, "RFC 9700 §2.2", claim("exp", "253402300799")).strict(),
	}
}

// lived sets iat and exp, counted from now.
func lived(from, to time.Duration) forging {
	return edit(func(l *letter) { l.live(from, to) })
}

func (l *letter) live(from, to time.Duration) {
	l.payload.set("iat", number(l.w.Now.Add(from).Unix()))
	l.payload.set("exp", number(l.w.Now.Add(to).Unix()))
}

// claimAt sets a date claim, counted from now.
func claimAt(name string, from time.Duration) forging {
	return edit(func(l *letter) { l.payload.set(name, number(l.w.Now.Add(from).Unix())) })
}
