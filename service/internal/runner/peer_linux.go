package runner

import (
	"net"
	"os"
	"syscall"
)

// sameUser asks the kernel who is at the other end (SO_PEERCRED).
func sameUser(conn net.Conn) bool {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := unix.SyscallConn()
	if err != nil {
		return false
	}
	same := false
	err = raw.Control(func(fd uintptr) {
		peer, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
		same = err == nil && peer != nil && int(peer.Uid) == os.Getuid()
	})
	return err == nil && same
}
