package narrowcast_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast"
)

// TestIssuerSpeaksForOneTenant: the keys of one tenant open nothing of another
// one, whatever its tokens claim.
func TestIssuerSpeaksForOneTenant(t *testing.T) {
	north, south := newPen(t, narrowcast.ES256, "k1"), newPen(t, narrowcast.ES256, "k1")
	for _, tenant := range []string{"north", "south"} {
		d := newDoor(t, func(c *narrowcast.Config) {
			c.Tenant = tenant
			c.Issuers = []narrowcast.TrustedIssuer{
				{Issuer: narrowcast.MustIssuer(issuerA), Keys: ringOf(north.public(t)), Tenant: "north"},
				{Issuer: narrowcast.MustIssuer(issuerB), Keys: ringOf(south.public(t)), Tenant: "south"},
			}
		})
		for _, claim := range []string{``, `"tenant":"north"`, `"tenant":"south"`, `"tenant":""`, `"tenant":"north "`} {
			payload := right
			if claim != "" {
				payload = with(right, claim)
			}
			for issuer, pen := range map[string]*pen{"north": north, "south": south} {
				text := pen.sign(t, goodHead, payload)
				if issuer == "south" {
					text = pen.sign(t, goodHead, swap(t, payload, issuerA, issuerB))
				}
				if issuer == tenant && (claim == "" || claim == `"tenant":"`+tenant+`"`) {
					if got := mustAccept(t, d.Verifier, text, narrowcast.Presentation{}).Tenant(); got != tenant {
						t.Errorf("tenant %q, want %q", got, tenant)
					}
					continue
				}
				mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, narrowcast.TenantMismatch)
			}
			mustRefuse(t, d.Verifier, south.sign(t, goodHead, payload), narrowcast.Presentation{}, narrowcast.IssuerKeyMismatch)
		}
		mustRefuse(t, d.Verifier, north.sign(t, goodHead, with(right, `"tenant":1`)), narrowcast.Presentation{}, narrowcast.ClaimMalformed)
	}
}

func TestIssuerSpeaksForOneEnvironment(t *testing.T) {
	d := newDoor(t, func(c *narrowcast.Config) { c.Environment, c.Issuers[0].Environment = "prod", "prod" })
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, right), narrowcast.Presentation{})
	mustAccept(t, d.Verifier, d.pen.sign(t, goodHead, with(right, `"environment":"prod"`)), narrowcast.Presentation{})
	for _, claim := range []string{`"environment":"test"`, `"environment":""`} {
		mustRefuse(t, d.Verifier, d.pen.sign(t, goodHead, with(right, claim)), narrowcast.Presentation{}, narrowcast.EnvironmentMismatch)
	}
	staging := newDoor(t, func(c *narrowcast.Config) { c.Environment, c.Issuers[0].Environment = "prod", "staging" })
	for _, payload := range []string{right, with(right, `"environment":"prod"`), with(right, `"environment":"staging"`)} {
		mustRefuse(t, staging.Verifier, staging.pen.sign(t, goodHead, payload), narrowcast.Presentation{}, narrowcast.EnvironmentMismatch)
	}
}

// TestTenantsOfAForeignDirectory: the value of a foreign claim stands for a
// tenant.
func TestTenantsOfAForeignDirectory(t *testing.T) {
	mapped := func(tenant string, tenants map[string]string) *door {
		return newDoor(t, func(c *narrowcast.Config) {
			c.Tenant, c.Issuers[0].Class = tenant, narrowcast.DangerouslyUntyped
			c.Issuers[0].Dialect = narrowcast.Dialect{OwnWords: true, TenantClaim: "tid", Tenants: tenants}
		})
	}
	d := mapped("north", map[string]string{"1": "north", "2": "south"})
	for claim, want := range map[string]narrowcast.Reason{
		`"tid":"1"`: 0, `"tid":"2"`: narrowcast.TenantMismatch, `"tid":"3"`: narrowcast.TenantMismatch, `"tid":"north"`: narrowcast.TenantMismatch,
		`"tid":""`: narrowcast.TenantMismatch, `"tid":1`: narrowcast.ClaimMalformed, `"tenant":"north"`: narrowcast.ClaimMissing,
	} {
		text := d.pen.sign(t, untypedHead, with(untyped, claim))
		if want == 0 {
			mustAccept(t, d.Verifier, text, narrowcast.Presentation{})
		} else {
			mustRefuse(t, d.Verifier, text, narrowcast.Presentation{}, want)
		}
	}
	none := mapped("", map[string]string{"1": ""})
	mustAccept(t, none.Verifier, none.pen.sign(t, untypedHead, with(untyped, `"tid":"1"`)), narrowcast.Presentation{})
	mustRefuse(t, none.Verifier, none.pen.sign(t, untypedHead, with(untyped, `"tid":"2"`)), narrowcast.Presentation{}, narrowcast.TenantMismatch)
}
