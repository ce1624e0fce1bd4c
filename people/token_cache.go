package people

import "sync"

// rememberedTokens bounds one of the two halves of the cache: 32,768 tokens in
// all, about 12 MB.
const rememberedTokens = 16_384

// tokenCache remembers tokens whose signature was found good, by the SHA-256
// of the token, so that no usable token lies in memory. Checking a signature
// costs most of an authentication, and a client sends one token many times.
// Two halves: when the young one is full the old one is dropped. Only good
// tokens enter, so forged ones cannot crowd it out.
type tokenCache struct {
	mu         sync.Mutex
	young, old map[[32]byte]*tokenClaims
	most       int // of one half; rememberedTokens if zero
}

func (c *tokenCache) get(sum [32]byte) (*tokenClaims, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if claims, ok := c.young[sum]; ok {
		return claims, true
	}
	claims, ok := c.old[sum]
	if ok {
		c.add(sum, claims)
	}
	return claims, ok
}

func (c *tokenCache) put(sum [32]byte, claims *tokenClaims) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(sum, claims)
}

// add needs the lock.
func (c *tokenCache) add(sum [32]byte, claims *tokenClaims) {
	most := c.most
	if most == 0 {
		most = rememberedTokens
	}
	if len(c.young) >= most || c.young == nil {
		c.old, c.young = c.young, make(map[[32]byte]*tokenClaims)
	}
	c.young[sum] = claims
}
