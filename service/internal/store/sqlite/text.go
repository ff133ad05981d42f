package sqlite

// text is s with NULL for nothing.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
