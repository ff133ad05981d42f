package guard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/narrowcast-io/narrowcast"
)

// FuzzCredentials reads arbitrary headers and queries. A token is found only in a
// single header with one of the two schemes, and no detail repeats what was sent.
func FuzzCredentials(f *testing.F) {
	f.Add("Bearer abc", "", "", "")
	f.Add("bearer  a.b.c", "Bearer x", "access_token=1", "a=b")
	f.Add("DPoP x", "", "%61ccess_token", "x&access_token=2")
	f.Fuzz(func(t *testing.T, first, second, query, form string) {
		k := &knock{query: query}
		for _, header := range []string{first, second} {
			if header != "" {
				k.authorization = append(k.authorization, header)
			}
		}
		text, rej := k.credentials(true)
		if rej == nil {
			name, _, _ := strings.Cut(strings.Join(k.authorization, ""), " ")
			ours := strings.EqualFold(name, "Bearer") && !k.shown.scheme || strings.EqualFold(name, "DPoP") && k.shown.scheme
			if len(k.authorization) != 1 || !ours || !strings.HasSuffix(strings.TrimRight(k.authorization[0], " \t"), text) {
				t.Fatalf("%q from %q", text, k.authorization)
			}
			return
		}
		if len(first) > 40 && strings.Contains(rej.Error(), first) {
			t.Fatalf("the rejection repeats the header: %s", rej)
		}
		if a := rej.Reason.Answer(); a == narrowcast.Forbidden {
			t.Fatalf("answer %v", a)
		}
	})
}

// FuzzClip cuts arbitrary text. The result fits and is still text.
func FuzzClip(f *testing.F) {
	f.Add("plain", 10)
	f.Add("<\x00é"+strings.Repeat("x", 100), 30)
	f.Add("/a/eyJhbGciOiJub25lIn0.e30.c2ln", 64)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1<<20 {
			return
		}
		encoded, err := json.Marshal(clip(s, limit))
		if err != nil || len(encoded) > limit+2+len("…") || !utf8.Valid(encoded) {
			t.Fatalf("%d bytes for a limit of %d, %v", len(encoded), limit, err)
		}
	})
}

// FuzzRedact hides a token in arbitrary text and in any spelling. Its signature
// is cut.
func FuzzRedact(f *testing.F) {
	const token = "eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
	f.Add("/cb/", "/x", uint64(0))
	f.Add("/cb/.", "?a=b.c", uint64(0xffff_ffff_ffff_ffff))
	f.Add("/%65yJ%2", "%", uint64(1<<23))
	f.Fuzz(func(t *testing.T, before, after string, encode uint64) {
		if len(before) > 1<<12 || strings.HasSuffix(before, "%") || len(before) > 1 && before[len(before)-2] == '%' {
			return // the text would swallow the beginning of the token
		}
		var spelled strings.Builder
		for i := range len(token) {
			if encode>>(i%64)&1 == 1 {
				fmt.Fprintf(&spelled, "%%%02x", token[i])
			} else {
				spelled.WriteByte(token[i])
			}
		}
		if got := redact(before + spelled.String() + after); strings.Contains(unescape(got), "c2lnbmF0dXJl") && !strings.Contains(before+after, "c2ln") {
			t.Fatalf("%q", got)
		}
	})
}

// FuzzOriginal reads arbitrary forwarding headers. A fault never repeats them,
// and what is read is a clean path.
func FuzzOriginal(f *testing.F) {
	f.Add("GET", "/a?b=c")
	f.Add("POST", "https://pay.example.test/x#y")
	f.Add("G T", "//..//%zz")
	f.Fuzz(func(t *testing.T, method, uri string) {
		h := &forward{original: FromXForwarded}
		_, text, fault := h.read(http.Header{"X-Forwarded-Method": {method}, "X-Forwarded-Uri": {uri}})
		u, err := parseOriginal(text)
		if err != nil {
			if len(uri) > 20 && strings.Contains(err.Error(), uri) {
				t.Fatal(err)
			}
			return
		}
		if fault == "" && strings.ContainsAny(u.EscapedPath(), "?# \n") && u.Opaque == "" {
			t.Fatalf("path %q", u.EscapedPath())
		}
	})
}

// FuzzCertificateHeader reads arbitrary headers. What is accepted is a thumbprint,
// and a fault never repeats what was sent.
func FuzzCertificateHeader(f *testing.F) {
	f.Add(uint8(ClientCert), ":AAAA:")
	f.Add(uint8(SSLClientCert), "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A")
	f.Add(uint8(XForwardedClientCert), `By=x;Hash=`+strings.Repeat("0a", 32)+`;Subject="a\",;";URI=`)
	f.Fuzz(func(t *testing.T, dialect uint8, value string) {
		thumbprint, err := readCertificate(CertificateHeader(dialect), value)
		switch {
		case err == nil && len(thumbprint) != 43:
			t.Fatalf("%q from %q", thumbprint, value)
		case err != nil && len(value) > 40 && strings.Contains(err.Error(), value):
			t.Fatal(err)
		}
	})
}

// FuzzPlain: spellings that a gateway interface joins have one plain form.
func FuzzPlain(f *testing.F) {
	f.Add("X-User")
	f.Fuzz(func(t *testing.T, name string) {
		joined := strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(name))
		if ascii(name) && plain(joined) != plain(name) {
			t.Fatalf("%q and %q", joined, name)
		}
		h := http.Header{name: {"x"}}
		newStripper(claimHeaders{"X-User": "sub"}, nil, nil).strip(h)
		if (plain(name) == "xuser") == (len(h) == 1) {
			t.Fatalf("%q: %v", name, h)
		}
	})
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
