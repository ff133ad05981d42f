package spiffe

import (
	_ "github.com/go-jose/go-jose/v4"
	_ "github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	_ "github.com/spiffe/go-spiffe/v2/federation"
	_ "github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	_ "github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	_ "github.com/spiffe/go-spiffe/v2/workloadapi"
	_ "google.golang.org/grpc"
)
