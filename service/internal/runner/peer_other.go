//go:build !linux

package runner

import "net"

// sameUser leaves it to the directory of the socket.
func sameUser(net.Conn) bool { return true }
