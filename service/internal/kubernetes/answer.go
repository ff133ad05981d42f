package kubernetes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

// Identity is whom the API server vouches for.
type Identity struct {
	Username       string // system:serviceaccount:NAMESPACE:NAME
	UID            string // of the service account
	Namespace      string
	ServiceAccount string
	Pod, PodUID    string // of the pod that the token is bound to; empty without one
	Node, NodeUID  string
	CredentialID   string // as it stands in the audit log of the cluster
}

// Names of spec.user.extra that the API server fills in for service accounts.
const extraPrefix = "authentication.kubernetes.io/"

// read understands the answer. A document that is not a TokenReview says
// nothing; one that is says yes in one way alone.
func read(answer []byte, audience string) (Identity, error) {
	status, err := statusOf(answer)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: reading the answer: %w", ErrUnavailable, err)
	}
	authenticated, err := status.True("authenticated")
	fault, errFault := status.Text("error")
	audiences, errAudiences := status.Texts("audiences")
	if err := errors.Join(err, errFault, errAudiences); err != nil {
		return Identity{}, fmt.Errorf("%w: reading the answer: %w", ErrUnavailable, err)
	}
	switch {
	case !authenticated || fault != "":
		return Identity{}, fmt.Errorf("%w: not authenticated", ErrRefused)
	case len(audiences) == 0:
		// A server that knows no audiences leaves the list empty and has not
		// looked at the audience of the token at all.
		return Identity{}, fmt.Errorf("%w: it did not look at the audience", ErrRefused)
	case !slices.Contains(audiences, audience):
		return Identity{}, fmt.Errorf("%w: the token is for another audience", ErrRefused)
	}
	who, err := identity(status)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return who, nil
}

func statusOf(answer []byte) (fetch.Members, error) {
	top, err := fetch.Object(answer)
	if err != nil {
		return nil, err
	}
	version, err := top.Text("apiVersion")
	what, errWhat := top.Text("kind")
	switch {
	case errors.Join(err, errWhat) != nil || version != apiVersion || what != kind:
		return nil, errors.New("it is no TokenReview of " + apiVersion)
	case !top.Has("status"):
		return nil, errors.New("it has no status")
	}
	return top.Object("status")
}

// identity reads the user. Only service accounts are vouched for here: a cluster
// may take other tokens too, which speak for people or machines elsewhere.
func identity(status fetch.Members) (Identity, error) {
	user, err := status.Object("user")
	if err != nil {
		return Identity{}, err
	}
	var who Identity
	var errs []error
	text := func(m fetch.Members, into *string, name string) {
		var err error
		*into, err = m.Text(name)
		errs = append(errs, err)
	}
	text(user, &who.Username, "username")
	text(user, &who.UID, "uid")
	extra, err := user.Object("extra")
	errs = append(errs, err)
	for name, into := range map[string]*string{
		"pod-name": &who.Pod, "pod-uid": &who.PodUID, "node-name": &who.Node, "node-uid": &who.NodeUID, "credential-id": &who.CredentialID,
	} {
		values, err := extra.Texts(extraPrefix + name)
		errs = append(errs, err)
		if len(values) == 1 {
			*into = values[0]
		}
	}
	if err := errors.Join(errs...); err != nil {
		return Identity{}, err
	}
	part := strings.Split(who.Username, ":")
	if len(part) != 4 || part[0] != "system" || part[1] != "serviceaccount" || part[2] == "" || part[3] == "" || who.UID == "" {
		return Identity{}, errors.New("it speaks for no service account")
	}
	who.Namespace, who.ServiceAccount = part[2], part[3]
	return who, nil
}
