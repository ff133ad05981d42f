package federation_test

import (
	"encoding/json"
	"testing"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

// token is a token as a verifier gives it out: the JSON text of each claim,
// strings without quotes.
type token map[string]any

func (t token) Claim(name string) (string, bool) {
	value, here := t[name]
	if !here {
		return "", false
	}
	if text, is := value.(string); is {
		return text, true
	}
	raw, err := json.Marshal(value)
	return string(raw), err == nil
}

// with returns the token with one claim changed; nil takes it away.
func (t token) with(name string, value any) token {
	other := token{}
	for k, v := range t {
		other[k] = v
	}
	if other[name] = value; value == nil {
		delete(other, name)
	}
	return other
}

func claim(value string, name ...string) federation.Claim {
	return federation.Claim{Name: name, AnyOf: []string{value}}
}

func several(name string, values ...string) federation.Claim {
	return federation.Claim{Name: []string{name}, AnyOf: values}
}

func rule(issuer string, claims ...federation.Claim) federation.Rule {
	return federation.Rule{Issuer: narrowcast.MustIssuer(issuer), Claims: claims}
}

const (
	actions = "https://token.actions.example.test"
	gitlab  = "https://gitlab.example.test"
	google  = "https://accounts.example.test"
	sts     = "https://abc.tokens.example.test"
	tenant  = "11111111-2222-3333-4444-555555555555"
	entra   = "https://login.example.test/" + tenant + "/v2.0"
	cluster = "https://cluster.example.test"
	other   = "https://login.example.test/oidc"

	object  = "99999999-2222-3333-4444-555555555555"
	program = "88888888-2222-3333-4444-555555555555"
	account = "77777777-2222-3333-4444-555555555555"
	arn     = "arn:aws:iam::111122223333:role/ci/deploy"
	sub1    = "repo:octo@11/shop@22:ref:refs/heads/main"
)

// fixture is a token in the shape of each platform and a rule that it fits.
type fixture struct {
	token   token
	rule    federation.Rule
	subject string
}

func fixtures() map[string]fixture {
	const aws = "https://sts.amazonaws.com/"
	return map[string]fixture{
		federation.GitHub: {
			token{
				"iss": actions, "aud": "https://issuer.example.test", "sub": sub1, "repository": "octo/shop", "repository_id": "22",
				"repository_owner": "octo", "repository_owner_id": "11", "ref": "refs/heads/main", "event_name": "push",
				"head_ref": "", "base_ref": "", "runner_environment": "github-hosted", "job_workflow_ref": "octo/shop/.github/workflows/d.yml@refs/heads/main",
			},
			rule(actions, claim("22", "repository_id"), claim("refs/heads/main", "ref"), several("event_name", "push", "workflow_dispatch")),
			"github:token.actions.example.test:repository_id:22:ref:refs/heads/main",
		},
		federation.GitLab: {
			token{
				"iss": gitlab, "aud": "https://issuer.example.test", "sub": "project_path:shop/pay:ref_type:branch:ref:main", "project_id": "22", "project_path": "shop/pay",
				"namespace_id": "11", "ref": "main", "ref_path": "refs/heads/main", "ref_type": "branch", "ref_protected": "true",
				"environment": "prod", "environment_protected": "true", "pipeline_source": "push",
			},
			rule(gitlab, claim("22", "project_id"), claim("main", "ref"), claim("true", "ref_protected"), claim("push", "pipeline_source")),
			"gitlab:gitlab.example.test:project_id:22:environment:prod",
		},
		federation.Google: {
			token{"iss": google, "sub": "104857600000000000000", "email": "ci@p.example.test", "email_verified": true},
			rule(google, claim("104857600000000000000", "sub"), claim("true", "email_verified")),
			"google:accounts.example.test:sub:104857600000000000000",
		},
		federation.AWS: {
			token{"iss": sts, "sub": arn, aws: map[string]any{"aws_account": "111122223333", "principal_tags": map[string]any{"team": "shop"}}},
			rule(sts, claim(arn, "sub"), claim("111122223333", aws, "aws_account"), claim("shop", aws, "principal_tags", "team")),
			"aws:abc.tokens.example.test:sub:" + arn,
		},
		federation.Azure: {
			token{"iss": entra, "sub": object, "tid": tenant, "oid": object, "azp": program, "idtyp": "app", "roles": []string{"a", "b"}},
			rule(entra, claim(tenant, "tid"), claim(object, "oid"), claim("b", "roles")),
			"azure:login.example.test/" + tenant + "/v2.0:tid:" + tenant + ":oid:" + object,
		},
		federation.Kubernetes: {
			token{
				"iss": cluster, "sub": "system:serviceaccount:shop:checkout",
				"kubernetes.io": map[string]any{"namespace": "shop", "serviceaccount": map[string]any{"name": "checkout", "uid": account}, "warnafter": 17},
			},
			rule(cluster, claim("shop", "kubernetes.io", "namespace"), claim("checkout", "kubernetes.io", "serviceaccount", "name"), claim("17", "kubernetes.io", "warnafter")),
			"kubernetes:cluster.example.test:namespace:shop:serviceaccount:checkout",
		},
		federation.OIDC: {
			token{"iss": other, "sub": "a:b c", "groups": []string{"x"}},
			rule(other, claim("a:b c", "sub"), claim("x", "groups")),
			"oidc:login.example.test/oidc:sub:a:b%20c",
		},
	}
}

func mustFit(t *testing.T, platform string, r federation.Rule, tok token, want bool) {
	t.Helper()
	if ok, why := federation.Match(platform, r, tok); ok != want {
		t.Errorf("%s: fits %v, want %v: %s", platform, ok, want, why)
	}
}
