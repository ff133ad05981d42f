package storetest_test

import (
	"testing"

	"github.com/narrowcast-io/narrowcast/service/internal/store/storetest"
)

// The model passes the suite too: what the suite asks for can be done.
func TestMemory(t *testing.T) { storetest.Run(t, storetest.MemoryGround) }
