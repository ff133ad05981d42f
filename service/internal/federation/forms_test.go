package federation_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

func TestGitHubSubject(t *testing.T) {
	s, err := federation.ParseGitHubSubject("repo:octo-org@11/my.shop@22:environment:prod@1/x:y")
	if err != nil || s != (federation.GitHubSubject{Owner: "octo-org", OwnerID: "11", Repository: "my.shop", RepositoryID: "22", Context: "environment:prod@1/x:y"}) {
		t.Error(s, err)
	}
	for _, text := range []string{
		"", "repo:", "repo:octo/shop:ref:x", "repo:octo@11/shop:ref:x", "repo:octo/shop@22:ref:x", "repo:octo@11/shop@22", "repo:octo@11/shop@22:",
		"repo:octo@11/shop@22/x@33:ref:x", "repo:octo@1@2/shop@22:ref:x", "repo:octo@11/shop@2@3:ref:x", "repo:oc:to@11/shop@22:ref:x",
		"repo:octo@/shop@22:ref:x", "repo:@11/shop@22:ref:x", "repo:octo@011/shop@22:ref:x", "repo:octo@11/shop@2 2:ref:x", "REPO:octo@11/shop@22:ref:x",
		"repository_owner_id:11:repository_id:22", "repo:octo@11/shop@22:ref\n", "repo:octo@¹/shop@22:ref:x",
	} {
		if s, err := federation.ParseGitHubSubject(text); err == nil {
			t.Errorf("%q: %+v", text, s)
		}
	}
}

// Whoever chooses a login, a repository name or the name of a branch cannot
// reach into the ids. GitHub allows no @, : or / in the names of owners and
// repositories; whatever a branch is called stands behind the ids.
func TestGitHubNamesDoNotReachTheIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.SampledFrom([]rune("a1-_.%")), 1, 12, -1)
		context := rapid.StringOfN(rapid.SampledFrom([]rune("a1-_.@:/%")), 1, 12, -1)
		want := federation.GitHubSubject{
			Owner: name.Draw(t, "owner"), OwnerID: "11", Repository: name.Draw(t, "repository"), RepositoryID: "22", Context: context.Draw(t, "context"),
		}
		got, err := federation.ParseGitHubSubject(want.String())
		if err == nil && got != want {
			t.Fatalf("%q reads as %+v", want, got)
		}
		if err != nil && !strings.Contains(want.Owner+want.Repository, "%") && !strings.Contains(want.Owner, ".") {
			t.Fatalf("%q: %v", want, err)
		}
	})
}

func FuzzGitHubSubject(f *testing.F) {
	f.Add("repo:octo@11/shop@22:ref:refs/heads/main")
	f.Add("repo:octo/shop:ref:refs/heads/main")
	f.Add("repo:a@1/b@2:environment:x@3/y@4:z")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := federation.ParseGitHubSubject(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Fatalf("%q is written as %q", text, s)
		}
		if strings.Trim(s.OwnerID+s.RepositoryID, "0123456789") != "" || strings.ContainsAny(s.Owner+s.Repository, "@:/") {
			t.Fatalf("%+v", s)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add(`{"namespace":"shop","serviceaccount":{"name":"checkout"}}`, "system:serviceaccount:shop:checkout")
	f.Add(`{"namespace":"shop","namespace":"shop","serviceaccount":{"name":"checkout"}}`, "x")
	f.Add(`["shop"]`, "")
	r := rule(cluster, claim("shop", "kubernetes.io", "namespace"), claim("checkout", "kubernetes.io", "serviceaccount", "name"))
	f.Fuzz(func(t *testing.T, inside, sub string) {
		tok := token{"iss": cluster, "kubernetes.io": inside, "sub": sub, "aud": inside}
		ok, why := federation.Match("kubernetes", r, tok)
		if ok != (why == "") || ok && (!strings.Contains(inside, "sh") && !strings.Contains(inside, `\u`)) {
			t.Fatal(ok, why)
		}

		if text, err := federation.Subject("kubernetes", tok); err == nil {
			if _, err := narrowcast.ParseSubject(text); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSPIFFEID(t *testing.T) {
	for text, ok := range map[string]bool{
		"spiffe://corp.example/checkout":                    true,
		"spiffe://corp.example/ns/shop/sa/Check_out":        true,
		"spiffe://corp_1.example/a":                         true,
		"spiffe://corp.example":                             false,
		"spiffe://corp.example/":                            false,
		"spiffe://corp.example/a/":                          false,
		"spiffe://corp.example//a":                          false,
		"spiffe://corp.example/a/../b":                      false,
		"spiffe://corp.example/./b":                         false,
		"spiffe://Corp.example/a":                           false,
		"SPIFFE://corp.example/a":                           false,
		"spiffe://corp.example:8443/a":                      false,
		"spiffe://u@corp.example/a":                         false,
		"spiffe://corp.example/%61":                         false,
		"spiffe://corp.example/a?b":                         false,
		"spiffe://corp.example/a#b":                         false,
		"spiffe://corp.example/*":                           false,
		"spiffe:///a":                                       false,
		"https://corp.example/a":                            false,
		"":                                                  false,
		"spiffe://corp.example/" + strings.Repeat("a", 300): false,
	} {
		id, err := federation.ParseSPIFFEID(text)
		if (err == nil) != ok || ok && id.String() != text {
			t.Errorf("%q: %v %v", text, id, err)
		}
		if sub, err := federation.Subject(federation.SPIFFE, token{"sub": text}); (err == nil) != ok || ok && sub != text {
			t.Errorf("%q: %q %v", text, sub, err)
		}
	}
}

func TestDistinguishedNames(t *testing.T) {
	raw := func(set ...pkix.RelativeDistinguishedNameSET) []byte {
		text, err := asn1.Marshal(pkix.RDNSequence(set))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	at := func(value string, oid ...int) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: oid, Value: value}
	}
	one := func(value string, oid ...int) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{at(value, oid...)}
	}
	for text, der := range map[string][]byte{
		"CN=checkout, OU=shop , o=Corp":   raw(one("Corp", 2, 5, 4, 10), one("shop", 2, 5, 4, 11), one("checkout", 2, 5, 4, 3)),
		"UID=7+CN=a,DC=example,DC=test":   raw(one("test", 0, 9, 2342, 19200300, 100, 1, 25), one("example", 0, 9, 2342, 19200300, 100, 1, 25), pkix.RelativeDistinguishedNameSET{at("a", 2, 5, 4, 3), at("7", 0, 9, 2342, 19200300, 100, 1, 1)}),
		`CN=a\, b\2Cc\+d,O=M\C3\BCller\ `: raw(one("Müller ", 2, 5, 4, 10), one("a, b,c+d", 2, 5, 4, 3)),
		`CN=a\=b,O=\#x`:                   raw(one("#x", 2, 5, 4, 10), one("a=b", 2, 5, 4, 3)),
	} {
		want, err := federation.CertificateDN(der)
		if err != nil {
			t.Fatal(text, err)
		}
		if got, err := federation.ParseDN(text); got != want || err != nil {
			t.Errorf("%s: %q %v, the certificate has %q", text, got, err, want)
		}
	}
	for _, text := range []string{"", "checkout", "CN=", "CN= ", "CN=*", "CN=a,", ",CN=a", "CN=a,FOO=b", `CN=a\`, `CN=a\z`, `CN=a\0`, "CN=#0401", `CN="a"`, "CN=a\n"} {
		if got, err := federation.ParseDN(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
	if _, err := federation.CertificateDN(raw()); err == nil {
		t.Error("an empty subject names somebody")
	}
	if a, _ := federation.ParseDN("CN=a,O=b"); a == "O=b,CN=a" {
		t.Error("the order does not count")
	}
}

func FuzzParseDN(f *testing.F) {
	f.Add("CN=checkout, OU=shop+UID=7,O=Corp")
	f.Add(`CN=a\, b\2C\ `)
	f.Add(`C=\2A`)
	f.Fuzz(func(t *testing.T, text string) {
		once, err := federation.ParseDN(text)
		if err != nil {
			return
		}
		if again, err := federation.ParseDN(once); err != nil || again != once {
			t.Fatalf("%q, then %q: %v", once, again, err)
		}
	})
}

// Two workloads never share a subject, whatever their names hold.
func TestSubjectsAreApart(t *testing.T) {
	seen := map[string]string{}
	for _, environment := range []string{"", "prod", "prod:ref:x", "prod%3Aref", "a b", "ä", strings.Repeat("x", 300), strings.Repeat("x", 301)} {
		for _, ref := range []string{"refs/heads/main", "x", "refs/heads/environment:prod"} {
			for _, issuer := range []string{actions, "https://ghe.example.test/_services/token", "http://127.0.0.1:8080"} {
				got, err := federation.Subject("github", token{"iss": issuer, "repository_id": "22", "environment": environment, "ref": ref})
				if _, bad := narrowcast.ParseSubject(got); err != nil || bad != nil {
					t.Fatal(got, err, bad)
				}
				who := issuer + " " + environment
				if environment == "" {
					who += ref
				}
				if first, again := seen[got]; again && first != who {
					t.Errorf("%s stands for %q and %q", got, first, who)
				}
				seen[got] = who
			}
		}
	}
	for _, broken := range []token{{}, {"iss": actions}, {"iss": actions, "repository_id": "x", "ref": "y"}, {"iss": actions, "repository_id": "22"}, {"repository_id": "22", "ref": "y"}} {
		if got, err := federation.Subject("github", broken); err == nil {
			t.Errorf("%v: %s", broken, got)
		}
	}
	if _, err := federation.Subject("jenkins", token{"iss": actions, "sub": "x"}); err == nil {
		t.Error("an unknown platform has subjects")
	}
}

func TestPlatformOf(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://token.actions.githubusercontent.com": "github", "https://token.actions.corp.ghe.com": "github", "https://ghe.example.test/_services/token": "github",
		"https://gitlab.com": "gitlab", "https://accounts.google.com": "google", entra: "", "https://sts.windows.net/" + tenant + "/": "azure",
		"https://login.microsoftonline.com/" + tenant + "/v2.0": "azure", "https://abc.tokens.sts.global.api.aws": "aws", "spiffe://corp.example": "spiffe",
		"https://gitlab.com.example.test": "", cluster: "",
	} {
		if got := federation.PlatformOf(narrowcast.MustIssuer(issuer)); got != want {
			t.Errorf("%s: %q, want %q", issuer, got, want)
		}
	}
}
