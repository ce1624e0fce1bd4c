package people

// Remember bounds one half of the cache, before it is used.
func (k *Keys) Remember(most int) { k.seen.most = most }

// Remembered is how many tokens the cache holds.
func (k *Keys) Remembered() int {
	k.seen.mu.Lock()
	defer k.seen.mu.Unlock()
	return len(k.seen.young) + len(k.seen.old)
}
