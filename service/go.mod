module github.com/narrowcast-io/narrowcast/service

go 1.26

require github.com/narrowcast-io/narrowcast v0.0.0

replace github.com/narrowcast-io/narrowcast => ../
