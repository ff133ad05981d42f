module github.com/narrowcast-io/narrowcast

go 1.26
