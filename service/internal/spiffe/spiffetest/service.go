package spiffetest

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// admit refuses a call without the header that shows that no browser or proxy
// was tricked into it (SPIFFE Workload Endpoint section 6.1).
func (s *Socket) admit(ctx context.Context) error {
	s.calls.Add(1)
	md, _ := metadata.FromIncomingContext(ctx)
	if !slices.Equal(md.Get("workload.spiffe.io"), []string{"true"}) {
		return status.Error(codes.InvalidArgument, "the header workload.spiffe.io is missing")
	}
	if code := codes.Code(s.deny.Load()); code != codes.OK {
		return status.Error(code, "told to refuse")
	}
	return s.awake(ctx)
}

// awake waits while the socket hangs.
func (s *Socket) awake(ctx context.Context) error {
	for {
		wait := s.hang.Load()
		if wait == nil {
			return nil
		}
		select {
		case <-*wait:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

func (s *Socket) guardCall(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (s *Socket) guardStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := s.admit(stream.Context()); err != nil {
		return err
	}
	return next(srv, stream)
}

type service struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	socket *Socket
}

// stream sends what now returns, at once and after every change.
func stream[T any](s *service, to grpc.ServerStreamingServer[T], now func() (*T, error)) error {
	ctx := to.Context()
	for {
		changed := s.socket.agent.change()
		if err := s.socket.awake(ctx); err != nil {
			return err
		}
		message, err := now()
		if err != nil {
			return err
		}
		if err := to.Send(message); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *service) FetchX509SVID(_ *workload.X509SVIDRequest, to grpc.ServerStreamingServer[workload.X509SVIDResponse]) error {
	return stream(s, to, func() (*workload.X509SVIDResponse, error) {
		agent, out := s.socket.agent, &workload.X509SVIDResponse{FederatedBundles: map[string][]byte{}}
		for _, id := range s.socket.ids {
			cert, key, err := agent.own.X509SVID(id, nil)
			if err != nil {
				return nil, err
			}
			private, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				return nil, err
			}
			out.Svids = append(out.Svids, &workload.X509SVID{SpiffeId: id, X509Svid: cert.Raw, X509SvidKey: private, Bundle: agent.own.certificates()})
		}
		for _, other := range agent.federated {
			out.FederatedBundles[other.domain.IDString()] = other.certificates()
		}
		return out, nil
	})
}

func (s *service) FetchX509Bundles(_ *workload.X509BundlesRequest, to grpc.ServerStreamingServer[workload.X509BundlesResponse]) error {
	return stream(s, to, func() (*workload.X509BundlesResponse, error) {
		out := &workload.X509BundlesResponse{Bundles: map[string][]byte{}}
		for _, a := range s.socket.agent.all() {
			out.Bundles[a.domain.IDString()] = a.certificates()
		}
		return out, nil
	})
}

func (s *service) FetchJWTBundles(_ *workload.JWTBundlesRequest, to grpc.ServerStreamingServer[workload.JWTBundlesResponse]) error {
	return stream(s, to, func() (*workload.JWTBundlesResponse, error) {
		out := &workload.JWTBundlesResponse{Bundles: map[string][]byte{}}
		for _, a := range s.socket.agent.all() {
			document, err := a.jwtBundle().Marshal()
			if err != nil {
				return nil, err
			}
			out.Bundles[a.domain.IDString()] = document
		}
		return out, nil
	})
}

func (s *service) FetchJWTSVID(_ context.Context, req *workload.JWTSVIDRequest) (*workload.JWTSVIDResponse, error) {
	ids := s.socket.ids
	switch {
	case len(req.Audience) == 0 || slices.Contains(req.Audience, ""):
		return nil, status.Error(codes.InvalidArgument, "name an audience")
	case req.SpiffeId != "" && !slices.Contains(ids, req.SpiffeId):
		return nil, status.Error(codes.PermissionDenied, "the workload has no such identity")
	case req.SpiffeId != "":
		ids = []string{req.SpiffeId}
	}
	out := &workload.JWTSVIDResponse{}
	for _, id := range ids {
		token, err := s.socket.agent.own.JWTSVID(id, req.Audience...)
		if err != nil {
			return nil, err
		}
		out.Svids = append(out.Svids, &workload.JWTSVID{SpiffeId: id, Svid: token})
	}
	return out, nil
}

func (s *service) ValidateJWTSVID(_ context.Context, req *workload.ValidateJWTSVIDRequest) (*workload.ValidateJWTSVIDResponse, error) {
	var bundles []*jwtbundle.Bundle
	for _, a := range s.socket.agent.all() {
		bundles = append(bundles, a.jwtBundle())
	}
	svid, err := jwtsvid.ParseAndValidate(req.Svid, jwtbundle.NewSet(bundles...), []string{req.Audience})
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, strings.ReplaceAll(err.Error(), req.Svid, "…"))
	}
	return &workload.ValidateJWTSVIDResponse{SpiffeId: svid.ID.String()}, nil
}
