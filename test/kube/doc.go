// Package kube holds the tests with a real kube-apiserver and a real etcd: tokens
// that a cluster made for a pod, its keys, and its TokenReview. ./run builds the
// API server once, into a cache outside the repository, and runs them.
package kube
