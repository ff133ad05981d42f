package kubernetes

import (
	"errors"
	"testing"
)

// FuzzAnswer: no answer is a yes without a service account, and each failure is
// of one kind.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,"audiences":["a"],"user":{"username":"system:serviceaccount:n:s","uid":"u","extra":{"authentication.kubernetes.io/pod-uid":["p"]}}}}`))
	f.Add([]byte(`{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		who, err := read(text, "a")
		switch {
		case err == nil && (who.UID == "" || who.Namespace == "" || who.ServiceAccount == ""):
			t.Fatalf("%q vouches for %+v", text, who)
		case err != nil && errors.Is(err, ErrRefused) == errors.Is(err, ErrUnavailable):
			t.Fatalf("%q: %v is of no kind or of two", text, err)
		}
	})
}
