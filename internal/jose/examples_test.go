package jose_test

import (
	"errors"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/jose"
)

// Examples of the RFCs. Line breaks that the RFCs add for display are gone.
const (
	// RFC 7638 section 3.1.
	rsaExample = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	// RFC 8037 appendix A.2.
	edExample = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	// RFC 7515 appendix A.3.
	ecExample = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	// RFC 7515 appendix A.2, without its private members and with the alg that a set needs.
	rsExample = `{"kty":"RSA","alg":"RS256","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`

	joe   = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	ecJWS = "eyJhbGciOiJFUzI1NiJ9." + joe + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rsJWS = "eyJhbGciOiJSUzI1NiJ9." + joe + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	// RFC 8037 appendix A.4.
	edJWS = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

func keyOf(t testing.TB, jwk string) jose.JWK {
	t.Helper()
	keys, err := jose.ParseSet(`{"keys":[` + jwk + `]}`)
	if err != nil || len(keys) != 1 {
		t.Fatalf("ParseSet = %v, %v", keys, err)
	}
	return keys[0]
}

func TestThumbprintExamples(t *testing.T) {
	for _, example := range []struct{ name, jwk, want string }{
		{"RFC 7638 section 3.1", rsaExample, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037 appendix A.3", edExample, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		if got, err := jose.Thumbprint(keyOf(t, example.jwk).Public); err != nil || got != example.want {
			t.Errorf("%s: thumbprint = %q, %v", example.name, got, err)
		}
	}
}

func TestSignatureExamples(t *testing.T) {
	for _, example := range []struct {
		name, jwk, jws string
		alg            jose.Alg
	}{
		{"RFC 7515 appendix A.2", rsExample, rsJWS, jose.RS256},
		{"RFC 7515 appendix A.3", ecExample, ecJWS, jose.ES256},
		{"RFC 8037 appendix A.4", edExample, edJWS, jose.Ed25519},
	} {
		t.Run(example.name, func(t *testing.T) {
			key := keyOf(t, example.jwk)
			parts, err := jose.Split(example.jws)
			if err != nil {
				t.Fatal(err)
			}
			if key.Alg != example.alg {
				t.Errorf("the key is for %q", key.Alg)
			}
			if err := jose.Verify(example.alg, key.Public, parts.Input, parts.Signature); err != nil {
				t.Errorf("the example is refused: %v", err)
			}
			if err := jose.Verify(example.alg, key.Public, []byte(string(parts.Input)+"A"), parts.Signature); !errors.Is(err, jose.ErrSignature) {
				t.Errorf("another input: %v", err)
			}
			if jose.Seal(jose.Join(parts.Header, parts.Payload), parts.Signature) != example.jws {
				t.Error("the example does not go back to its text")
			}
		})
	}
}
