package federation

import (
	"errors"
	"strings"
)

// GitHubSubject is a sub with immutable ids, which repositories get since 2026:
// repo:OWNER@OWNER-ID/REPOSITORY@REPOSITORY-ID:CONTEXT. Names may be taken over
// by others; the ids are never given again.
type GitHubSubject struct {
	Owner, OwnerID           string
	Repository, RepositoryID string // the name without its owner
	Context                  string // ref:refs/heads/main, environment:prod, pull_request, …
}

// ParseGitHubSubject reads one. It fails for the older form without ids and for
// subjects that a repository has customised.
func ParseGitHubSubject(sub string) (GitHubSubject, error) {
	fail := func(what string) (GitHubSubject, error) {
		return GitHubSubject{}, errors.New("github sub: " + what)
	}
	rest, is := strings.CutPrefix(sub, "repo:")
	names, context, cut := strings.Cut(rest, ":")
	if !is || !cut {
		return fail("must begin with repo:OWNER@ID/REPOSITORY@ID:")
	}
	owner, repository, cut := strings.Cut(names, "/")
	if !cut {
		return fail("has no owner and repository")
	}
	s := GitHubSubject{Context: context}
	s.Owner, s.OwnerID, cut = strings.Cut(owner, "@")
	if !cut || !githubName(s.Owner, "-_") || !number(s.OwnerID) {
		return fail("the owner must be NAME@ID")
	}
	s.Repository, s.RepositoryID, cut = strings.Cut(repository, "@")
	if !cut || !githubName(s.Repository, "-_.") || !number(s.RepositoryID) {
		return fail("the repository must be NAME@ID")
	}
	if context == "" || len(sub) > maxText || !printable(context) {
		return fail("has no context, or one that is not printable")
	}
	return s, nil
}

// String returns the text that ParseGitHubSubject reads.
func (s GitHubSubject) String() string {
	return "repo:" + s.Owner + "@" + s.OwnerID + "/" + s.Repository + "@" + s.RepositoryID + ":" + s.Context
}

// githubName reports letters, digits and the punctuation given; never :, @ or /,
// so that the parts of a subject cannot be mistaken for each other.
func githubName(text, punctuation string) bool {
	return text != "" && len(text) <= 100 && !strings.ContainsFunc(text, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(punctuation, r)
	})
}

func repositoryName(text string) bool {
	owner, name, cut := strings.Cut(text, "/")
	return cut && githubName(owner, "-_") && githubName(name, "-_.")
}

// subjects returns the values of a sub claim when all have immutable ids and
// name the same repository.
func subjects(c *Claim) (all []GitHubSubject) {
	if c == nil || key(c.Name...) != "sub" {
		return nil
	}
	for _, value := range c.AnyOf {
		s, err := ParseGitHubSubject(value)
		if err != nil || len(all) > 0 && (s.RepositoryID != all[0].RepositoryID || s.OwnerID != all[0].OwnerID) {
			return nil
		}
		all = append(all, s)
	}
	return all
}

// oneRepository reports that several subjects are different runs of one
// repository.
func (c *checker) oneRepository(claim Claim) bool {
	return c.platform == GitHub && subjects(&claim) != nil
}

func (c *checker) github() {
	r := c.rule
	c.form(number, "a number", "repository_id")
	c.form(number, "a number", "repository_owner_id")
	c.form(repositoryName, "OWNER/REPOSITORY", "repository")
	immutable := subjects(r.find("sub"))
	switch {
	case r.has("repository_id"), len(immutable) > 0, r.has("repository", "repository_owner_id"):
	case r.has("repository"), r.has("sub"), r.has("repository_owner"):
		c.whole(recreatable + "add repository_id, or repository_owner_id beside repository")
	default:
		c.whole("does not name a repository; add repository_id")
	}
	if !r.has("ref") && !r.has("environment") && !r.has("job_workflow_ref") && !fixesRun(immutable) {
		c.whole("lets in every branch that somebody can push; add at least one of ref, environment, job_workflow_ref")
	}
}

// fixesRun reports whether the context of every subject fixes a branch, an
// environment or a workflow. A pull request counts as fixed: it needs a leave
// of its own.
func fixesRun(all []GitHubSubject) bool {
	for _, s := range all {
		name, value, _ := strings.Cut(s.Context, ":")
		fixed := value != "" && (name == "ref" || name == "environment" || name == "job_workflow_ref")
		if !fixed && s.Context != "pull_request" {
			return false
		}
	}
	return len(all) > 0
}
