package federation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/federation"
)

func TestFixturesAreAccepted(t *testing.T) {
	for platform, f := range fixtures() {
		if err := federation.Check(platform, f.rule); len(err) != 0 {
			t.Errorf("%s: %v", platform, err)
		}
		mustFit(t, platform, f.rule, f.token, true)
		if got, err := federation.Subject(platform, f.token); got != f.subject || err != nil {
			t.Errorf("%s: %q %v, want %q", platform, got, err, f.subject)
		}
	}
	if len(fixtures())+1 != len(federation.Platforms()) {
		t.Error("a platform has no fixture")
	}
}

// Issuer and audience alone let in everybody (product, section 7.2 number 9).
func TestARuleWithoutASubjectIsRefused(t *testing.T) {
	for platform, f := range fixtures() {
		bare := f.rule
		bare.Claims = nil
		faults := federation.Check(platform, bare)
		if len(faults) != 1 || !strings.Contains(faults.Error(), "no subject") {
			t.Errorf("%s: %v", platform, faults)
		}
		mustFit(t, platform, bare, f.token, false)
	}
	if len(federation.Check("", federation.Rule{})) == 0 || len(federation.Check(federation.SPIFFE, rule("spiffe://corp.example", claim("x", "sub")))) == 0 {
		t.Error("the zero rule, or one of claims for SPIFFE, was accepted")
	}
}

func TestWhichRulesAreRefused(t *testing.T) {
	id, ref, push := claim("22", "repository_id"), claim("refs/heads/main", "ref"), claim("push", "event_name")
	pulls := several("event_name", "push", "pull_request")
	allowed := func(r federation.Rule) federation.Rule { r.AllowPullRequests = true; return r }
	project, source := claim("22", "project_id"), claim("push", "pipeline_source")
	namespace, name := claim("shop", "kubernetes.io", "namespace"), claim("checkout", "kubernetes.io", "serviceaccount", "name")
	amazon := func(account string) federation.Claim {
		return claim(account, "https://sts.amazonaws.com/", "aws_account")
	}
	for what, c := range map[string]struct {
		platform string
		rule     federation.Rule
		want     string // part of a fault; "" is accepted
	}{
		"github":                     {"github", rule(actions, id, ref, push), ""},
		"github environment":         {"github", rule(actions, id, claim("prod", "environment"), push), ""},
		"github workflow":            {"github", rule(actions, id, claim("octo/shop/.github/workflows/d.yml@refs/heads/main", "job_workflow_ref"), push), ""},
		"github immutable":           {"github", rule(actions, claim(sub1, "sub"), push), ""},
		"github runs of one":         {"github", rule(actions, several("sub", sub1, "repo:octo@11/shop@22:environment:prod"), push), ""},
		"github runs of two":         {"github", rule(actions, several("sub", sub1, "repo:octo@11/shop@23:environment:prod"), push), "several values"},
		"github owner id":            {"github", rule(actions, claim("octo/shop", "repository"), claim("11", "repository_owner_id"), ref, push), ""},
		"github name":                {"github", rule(actions, claim("octo/shop", "repository"), ref, push), "create again"},
		"github old sub":             {"github", rule(actions, claim("repo:octo/shop:ref:refs/heads/main", "sub"), push), "create again"},
		"github owner":               {"github", rule(actions, claim("11", "repository_owner_id"), ref, push), "does not name a repository"},
		"github wild owner":          {"github", rule(actions, claim("octo/*", "repository"), claim("11", "repository_owner_id"), ref, push), "wildcard where the owner"},
		"github wild ref":            {"github", rule(actions, id, claim("refs/heads/*", "ref"), push), "wildcard"},
		"github pattern":             {"github", rule(actions, claim("^22$", "repository_id"), ref, push), "regular expression"},
		"github two repositories":    {"github", rule(actions, several("repository_id", "22", "23"), ref, push), "several values"},
		"github not a number":        {"github", rule(actions, claim("octo", "repository_id"), ref, push), "must be a number"},
		"github any branch":          {"github", rule(actions, id, push), "every branch"},
		"github immutable any run":   {"github", rule(actions, claim("repo:octo@11/shop@22:job:x", "sub"), push), "every branch"},
		"github any event":           {"github", rule(actions, id, ref), "event_name"},
		"github pull request":        {"github", rule(actions, id, ref, pulls), "pull requests"},
		"github allowed":             {"github", allowed(rule(actions, id, ref, pulls)), ""},
		"github allowed for nothing": {"github", allowed(rule(actions, id, ref, push)), "leave out"},
		"github target":              {"github", rule(actions, id, ref, claim("pull_request_target", "event_name")), "pull requests"},
		"github pull ref":            {"github", rule(actions, id, claim("refs/pull/7/merge", "ref"), push), "pull requests"},
		"github pull sub":            {"github", rule(actions, claim("repo:octo@11/shop@22:pull_request", "sub"), push), "pull requests"},
		"github head":                {"github", rule(actions, id, claim("main", "head_ref"), ref, push), "pull requests"},

		"gitlab":             {"gitlab", rule(gitlab, project, claim("main", "ref"), claim("true", "ref_protected"), source), ""},
		"gitlab environment": {"gitlab", rule(gitlab, project, claim("true", "environment_protected"), source), ""},
		"gitlab path":        {"gitlab", rule(gitlab, claim("shop/pay", "project_path"), claim("true", "environment_protected"), source), "create again"},
		"gitlab namespace":   {"gitlab", rule(gitlab, claim("shop/pay", "project_path"), claim("11", "namespace_id"), claim("true", "environment_protected"), source), ""},
		"gitlab unprotected": {"gitlab", rule(gitlab, project, claim("main", "ref"), source), "every branch"},
		"gitlab any source":  {"gitlab", rule(gitlab, project, claim("true", "environment_protected")), "pipeline_source"},
		"gitlab merge":       {"gitlab", rule(gitlab, project, claim("true", "environment_protected"), claim("merge_request_event", "pipeline_source")), "pull requests"},

		"google":       {"google", rule(google, claim("1048", "sub")), ""},
		"google email": {"google", rule(google, claim("ci@p.example.test", "email")), "does not fix sub"},
		"google text":  {"google", rule(google, claim("ci@p.example.test", "sub")), "number of the account"},

		"aws":           {"aws", rule(sts, claim(arn, "sub"), amazon("111122223333")), ""},
		"aws alone":     {"aws", rule(sts, claim(arn, "sub")), "aws_account"},
		"aws another":   {"aws", rule(sts, claim(arn, "sub"), amazon("111122223334")), "another one"},
		"aws wild role": {"aws", rule(sts, claim("arn:aws:iam::111122223333:role/*", "sub"), amazon("111122223333")), "wildcard where"},
		"aws user":      {"aws", rule(sts, claim("arn:aws:iam::111122223333:user/a", "sub"), amazon("111122223333")), "ARN of a role"},
		"aws session":   {"aws", rule(sts, claim("arn:aws:sts::111122223333:assumed-role/a/b", "sub"), amazon("111122223333")), "ARN of a role"},

		"azure":              {"azure", rule(entra, claim(tenant, "tid"), claim(object, "oid")), ""},
		"azure app":          {"azure", rule(entra, claim(tenant, "tid"), claim(program, "azp"), claim("app", "idtyp")), ""},
		"azure user app":     {"azure", rule(entra, claim(tenant, "tid"), claim(program, "azp")), "does not fix the workload"},
		"azure tenant":       {"azure", rule(entra, claim(tenant, "tid")), "does not fix the workload"},
		"azure no tenant":    {"azure", rule(entra, claim(object, "oid")), "does not fix the tenant"},
		"azure other tenant": {"azure", rule(entra, claim(account, "tid"), claim(object, "oid")), "holds for nothing"},

		"kubernetes":           {"kubernetes", rule(cluster, namespace, name), ""},
		"kubernetes sub":       {"kubernetes", rule(cluster, claim("system:serviceaccount:shop:checkout", "sub")), ""},
		"kubernetes namespace": {"kubernetes", rule(cluster, namespace), "does not name one service account"},
		"kubernetes all":       {"kubernetes", rule(cluster, namespace, claim("*", "kubernetes.io", "serviceaccount", "name")), "wildcard where"},
		"kubernetes node":      {"kubernetes", rule(cluster, claim("system:node:n1", "sub")), "system:serviceaccount:"},

		"oidc":          {"oidc", rule(other, claim("worker-7", "sub")), ""},
		"oidc email":    {"oidc", rule(other, claim("a@b.example.test", "email")), "does not fix sub"},
		"oidc subjects": {"oidc", rule(other, several("sub", "a", "b")), "several values"},
		"empty":         {"oidc", rule(other, claim("", "sub")), "empty value"},
		"blank":         {"oidc", rule(other, claim(" ", "sub")), "empty value"},
		"no value":      {"oidc", rule(other, several("sub")), "no value"},
		"control":       {"oidc", rule(other, claim("a\nb", "sub")), "control"},
		"invisible":     {"oidc", rule(other, claim("a\u200bb", "sub")), "control"},
		"null":          {"oidc", rule(other, claim("null", "sub")), "no string"},
		"object":        {"oidc", rule(other, claim("x", "sub"), claim("{}", "y")), "no string"},
		"twice":         {"oidc", rule(other, claim("a", "sub"), claim("a", "sub")), "twice"},
		"audience":      {"oidc", rule(other, claim("a", "sub"), claim("b", "aud")), "without a rule"},
		"pulls":         {"oidc", allowed(rule(other, claim("a", "sub"))), "know nothing of"},
		"unknown":       {"jenkins", rule(other, claim("a", "sub")), "not known"},
		"nameless":      {"oidc", rule(other, claim("a", "sub"), claim("a")), "the name of a claim"},
	} {
		faults := federation.Check(c.platform, c.rule)
		switch {
		case c.want == "" && len(faults) > 0:
			t.Errorf("%s: %v", what, faults)
		case c.want != "" && !strings.Contains(faults.Error(), c.want):
			t.Errorf("%s: %v, want %q", what, faults, c.want)
		}
	}
}

// A fault shows no value: somebody may have put a token there.
func TestFaultsShowNoValue(t *testing.T) {
	const secret = "ey.secret.*"
	for _, platform := range federation.Platforms() {
		for _, name := range []string{"sub", "ref", "repository_id", "tid", "project_id", "event_name", "pipeline_source"} {
			if text := federation.Check(platform, rule(other, claim(secret, name))).Error(); text == "" || strings.Contains(text, secret) {
				t.Errorf("%s %s: %q", platform, name, text)
			}
		}
	}
}

func TestNotes(t *testing.T) {
	f := fixtures()["kubernetes"]
	if notes := federation.Notes("kubernetes", f.rule); len(notes) != 1 || !strings.Contains(notes[0], "uid") {
		t.Error(notes)
	}
	f.rule.Claims = append(slices.Clone(f.rule.Claims), claim(account, "kubernetes.io", "serviceaccount", "uid"))
	if notes := federation.Notes("kubernetes", f.rule); notes != nil {
		t.Error(notes)
	}
	mustFit(t, "kubernetes", f.rule, f.token, true)
}
