package profile

import (
	"errors"
	"slices"

	"github.com/narrowcast-io/narrowcast"
)

// Profiles of platforms that give their workloads identity tokens.
const (
	// Kubernetes is one cluster with the tokens of TokenRequest ("Service account
	// token volume projection"). The audiences of the API server never count: the
	// issuer, which is their default, the usual names of the API server, and those
	// in Ambient; list what --api-audiences says there. Tokens without expiry, as
	// the older ones in Secrets are, are refused, and so is their issuer. Scope and
	// client there are none; sub is system:serviceaccount:NAMESPACE:NAME. Option:
	// Ambient.
	Kubernetes = "kubernetes"
	// GitHub is Actions ("OpenID Connect reference"). The default audience is the
	// URL of the owner, which every job of the owner has: name it in Ambient,
	// required. Every repository in the world can ask for any audience, so that
	// repository_id or repository_owner_id must be in Require, or Subjects be set;
	// names can be taken by others once they are free, ids cannot. Options: Ambient
	// (required).
	GitHub = "github"
	// GitLab is one instance with the id_tokens of its jobs ("OpenID Connect in
	// CI/CD pipelines"). The URL of the instance, the old default, is no audience.
	// Every project of the instance can ask for any audience, so that project_id or
	// namespace_id must be in Require, or Subjects be set. Option: Ambient.
	GitLab = "gitlab"
)

// legacyKubernetes is the issuer of tokens in Secrets: no audience, no expiry,
// and the same in every cluster.
const legacyKubernetes = "kubernetes/serviceaccount"

func kubernetes(o *Options, ti *narrowcast.TrustedIssuer) (errs []error) {
	ti.Class = narrowcast.DangerouslyUntyped
	if o.Issuer.String() == legacyKubernetes {
		errs = append(errs, errors.New("Issuer: tokens of "+legacyKubernetes+" have neither audience nor expiry"))
	}
	d := &ti.Dialect
	d.Types = []string{"", "JWT"}
	d.IssuerIsAmbient, d.OwnWords = true, true
	for _, name := range []string{
		"https://kubernetes.default", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local",
	} {
		d.Ambient = append(d.Ambient, narrowcast.MustAudience(name))
	}
	d.Ambient = append(d.Ambient, o.Ambient...)
	d.Require = present("sub")
	return errs
}

func github(o *Options, ti *narrowcast.TrustedIssuer) (errs []error) {
	ti.Class = narrowcast.DangerouslyUntyped
	if len(o.Ambient) == 0 {
		errs = append(errs, errors.New("Ambient is required: the URL of the owner, which is the default audience of every job"))
	}
	ti.Dialect = platform(o, ti.Dialect)
	return append(errs, o.pinned("repository_id", "repository_owner_id")...)
}

func gitlab(o *Options, ti *narrowcast.TrustedIssuer) []error {
	ti.Class = narrowcast.DangerouslyUntyped
	ti.Dialect = platform(o, ti.Dialect)
	return o.pinned("project_id", "namespace_id")
}

func platform(o *Options, d narrowcast.Dialect) narrowcast.Dialect {
	d.Types = []string{"JWT"}
	d.IssuerIsAmbient, d.OwnWords = true, true
	d.Ambient = slices.Clone(o.Ambient)
	d.Require = present("sub")
	return d
}

// pinned demands that something fixes who asks: the issuer is shared.
func (o *Options) pinned(claims ...string) []error {
	for _, name := range claims {
		if len(o.Require[name]) > 0 {
			return nil
		}
	}
	if len(o.Subjects) > 0 {
		return nil
	}
	return []error{errors.New("everybody can have a token of this issuer for any audience: pin " + claims[0] + " or " + claims[1] + " in Require, or set Subjects")}
}
