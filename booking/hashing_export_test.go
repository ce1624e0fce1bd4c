package booking

import "sync"

// HoldHashing lets no password be worked out until it is released.
func HoldHashing() (release func()) {
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	return sync.OnceFunc(func() {
		for range cap(hashing) {
			<-hashing
		}
	})
}
