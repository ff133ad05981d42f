package test_test

import "io"

// maxFile bounds what a test reads into memory.
const maxFile = 64 << 20

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, maxFile)) }
