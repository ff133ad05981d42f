// The path lies below that of the service, so that the tests may use its rooms.
module github.com/narrowcast-io/narrowcast/service/test/kube

go 1.26.0

require (
	github.com/narrowcast-io/narrowcast v0.0.0
	github.com/narrowcast-io/narrowcast/service v0.0.0
)

require (
	github.com/Microsoft/go-winio v0.6.2 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/spiffe/go-spiffe/v2 v2.9.0 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace (
	github.com/narrowcast-io/narrowcast => ../../
	github.com/narrowcast-io/narrowcast/service => ../../service
)
