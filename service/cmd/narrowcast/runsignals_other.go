//go:build !unix

package main

import "os"

// passedOn are the signals that a command gets.
func passedOn() []os.Signal { return []os.Signal{os.Interrupt} }
