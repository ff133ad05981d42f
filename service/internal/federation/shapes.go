package federation

import (
	"slices"
	"strings"
)

// shape is what is known of the tokens of a platform.
type shape struct {
	wanted string         // what names one workload, for people
	naming []string       // keys of the claims that name an owner or a workload
	check  func(*checker) // whether the claims of a rule name exactly one
	pulls  pulls
	lists  []string // claims that are lists: one element must fit
}

// pulls says how a token tells that its run was caused by a proposed change.
type pulls struct {
	claim  string   // names the event
	events []string // its values that outsiders can cause
	usual  string   // values for an example
	refs   string   // how references of proposed changes begin
	filled []string // claims that only such runs fill
}

// names reports whether a value of a claim stands for a proposed change.
func (p pulls) names(name []string, value string) bool {
	if len(name) != 1 {
		return false
	}
	switch name[0] {
	case p.claim:
		return slices.Contains(p.events, value)
	case "ref", "ref_path":
		return strings.HasPrefix(value, p.refs)
	case "sub":
		s, err := ParseGitHubSubject(value)
		return err == nil && s.Context == "pull_request"
	}
	return slices.Contains(p.filled, name[0]) && value != ""
}

// commonLists are claims that issuers give as lists.
func commonLists() []string { return []string{"groups", "roles", "wids", "amr", "entitlements"} }

const (
	kubernetesClaim = "kubernetes.io"
	awsClaim        = "https://sts.amazonaws.com/"
)

func shapes() map[string]shape {
	return map[string]shape{
		GitHub: {
			wanted: "repository_id, the sub with immutable ids, or repository and repository_owner_id; with ref, environment or job_workflow_ref; and event_name",
			naming: []string{"sub", "repository", "repository_id", "repository_owner", "repository_owner_id"},
			check:  (*checker).github,
			pulls: pulls{
				claim:  "event_name",
				events: []string{"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"},
				usual:  "push", refs: "refs/pull/", filled: []string{"head_ref", "base_ref"},
			},
		},
		GitLab: {
			wanted: "project_id, or project_path and namespace_id; with ref and ref_protected, or environment_protected; and pipeline_source",
			naming: []string{"sub", "project_id", "project_path", "namespace_id", "namespace_path"},
			check:  (*checker).gitlab,
			pulls: pulls{
				claim:  "pipeline_source",
				events: []string{"merge_request_event", "external_pull_request_event"},
				usual:  "push", refs: "refs/merge-requests/",
			},
		},
		Google:     {wanted: "sub, the number of the account", naming: []string{"sub", "email"}, check: (*checker).google},
		AWS:        {wanted: "sub, the ARN of the role, and " + awsClaim + ".aws_account", naming: []string{"sub", key(awsClaim, "aws_account")}, check: (*checker).aws},
		Azure:      {wanted: "tid and oid, or tid, appid or azp, and idtyp", naming: []string{"sub", "tid", "oid", "appid", "azp"}, check: (*checker).azure, lists: commonLists()},
		Kubernetes: {wanted: "namespace and name of the service account", naming: kubernetesNaming(), check: (*checker).kubernetes},
		OIDC:       {wanted: "sub", naming: []string{"sub"}, check: (*checker).oidc, lists: commonLists()},
	}
}

func kubernetesNaming() []string {
	return []string{
		"sub", key(kubernetesClaim, "namespace"), key(kubernetesClaim, "serviceaccount", "name"), key(kubernetesClaim, "serviceaccount", "uid"),
	}
}

const recreatable = "names the workload by a name that somebody else can create again once it is free; "

func (c *checker) gitlab() {
	r := c.rule
	c.form(number, "a number", "project_id")
	c.form(number, "a number", "namespace_id")
	switch {
	case r.has("project_id"), r.has("project_path", "namespace_id"):
	case r.has("project_path"), r.has("sub"), r.has("namespace_path"):
		c.whole(recreatable + "add project_id, or namespace_id beside project_path")
	default:
		c.whole("does not name a project; add project_id, or project_path and namespace_id")
	}
	branch := (r.has("ref") || r.has("ref_path")) && r.is("ref_protected", "true")
	if !branch && !r.is("environment_protected", "true") {
		c.whole(`lets in every branch that somebody can push; add ref and ref_protected: "true", or environment_protected: "true"`)
	}
}

func (c *checker) google() {
	if !c.rule.has("sub") {
		c.whole("does not fix sub; an email can be given to another account, and the issuer is shared by everybody")
	}
	c.form(number, "the number of the account (its unique id), not its email", "sub")
}

// roleAccount returns the account in the ARN of a role.
func roleAccount(arn string) (account string, ok bool) {
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 || part[0] != "arn" || !strings.HasPrefix(part[1], "aws") || part[2] != "iam" || part[3] != "" {
		return "", false
	}
	role, is := strings.CutPrefix(part[5], "role/")
	twelve := len(part[4]) == 12 && strings.Trim(part[4], "0123456789") == ""
	return part[4], twelve && is && role != "" && !strings.HasSuffix(role, "/") && !strings.ContainsAny(role, ": ")
}

func (c *checker) aws() {
	isRole := func(text string) bool { _, ok := roleAccount(text); return ok }
	c.form(isRole, "the whole ARN of a role, arn:aws:iam::ACCOUNT:role/NAME", "sub")
	account, sub := c.rule.find(awsClaim, "aws_account"), c.rule.find("sub")
	if sub == nil || account == nil {
		c.whole("must fix sub, the ARN of the role, and aws_account below " + awsClaim)
		return
	}
	if len(sub.AnyOf) == 1 && len(account.AnyOf) == 1 {
		if named, ok := roleAccount(sub.AnyOf[0]); ok && named != account.AnyOf[0] {
			c.whole("names one account in sub and another one in aws_account, so it holds for nothing")
		}
	}
}

func (c *checker) azure() {
	r := c.rule
	for _, name := range []string{"tid", "oid", "appid", "azp"} {
		c.form(guid, "a GUID in lower case", name)
	}
	app := (r.has("appid") || r.has("azp")) && r.is("idtyp", "app")
	switch {
	case !r.has("tid"):
		c.whole("does not fix the tenant; add tid")
	case !r.has("oid") && !app:
		c.whole("does not fix the workload; add oid, or appid (azp in tokens of version 2) and idtyp: app")
	}
	if tid := r.find("tid"); tid != nil && len(tid.AnyOf) == 1 && !strings.Contains(r.Issuer.String(), tid.AnyOf[0]) {
		c.whole("fixes a tenant that is not the one in the issuer, so it holds for nothing")
	}
}

func (c *checker) kubernetes() {
	r := c.rule
	isAccount := func(text string) bool { _, _, ok := serviceAccount(text); return ok }
	c.form(isAccount, "system:serviceaccount:NAMESPACE:NAME", "sub")
	c.form(label, "the name of a namespace", kubernetesClaim, "namespace")
	c.form(label, "the name of a service account", kubernetesClaim, "serviceaccount", "name")
	c.form(guid, "a GUID in lower case", kubernetesClaim, "serviceaccount", "uid")
	named := r.find(kubernetesClaim, "namespace") != nil && r.find(kubernetesClaim, "serviceaccount", "name") != nil
	if !named && !r.has("sub") {
		c.whole("does not name one service account; add namespace and serviceaccount.name below kubernetes.io")
	}
}

// serviceAccount takes apart the sub of a service account.
func serviceAccount(sub string) (namespace, name string, ok bool) {
	rest, is := strings.CutPrefix(sub, "system:serviceaccount:")
	namespace, name, cut := strings.Cut(rest, ":")
	return namespace, name, is && cut && label(namespace) && label(name)
}

func (c *checker) oidc() {
	if !c.rule.has("sub") {
		c.whole("does not fix sub; no other claim of an issuer in general is known to name one workload")
	}
}
