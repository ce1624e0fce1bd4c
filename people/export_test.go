package people

// Remembered is how many tokens the cache holds.
func (k *Keys) Remembered() int {
	k.seen.mu.Lock()
	defer k.seen.mu.Unlock()
	return len(k.seen.young) + len(k.seen.old)
}
