//go:build !fast

package postgres

// SetMost sets how many entries one transaction takes, before any append.
func (s *Store) SetMost(n int) { s.writer.most = n }
