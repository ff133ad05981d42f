package letterbox

// Remembered is how many doors are remembered.
func (b *Box) Remembered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.verifiers)
}
