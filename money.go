package shortbreaks

import (
	"fmt"
	"math/big"
	"sort"
)

// Pence is an amount of money in pence sterling. It is the only type of money;
// floats never touch it.
type Pence int64

// String writes the amount as people write it: "£12.50", "-£0.05".
func (p Pence) String() string {
	sign := ""
	if p < 0 {
		sign, p = "-", -p
	}
	return fmt.Sprintf("%s£%d.%02d", sign, int64(p)/100, int64(p)%100)
}

// RoundHalfUp rounds an exact number of pence to a whole one, halves away from
// zero. A line is rounded once, here, and nowhere before (T19).
func RoundHalfUp(exact *big.Rat) Pence {
	num, den := new(big.Int).Set(exact.Num()), exact.Denom()
	neg := num.Sign() < 0
	num.Abs(num)
	num.Mul(num, big.NewInt(2)).Add(num, den)
	num.Quo(num, new(big.Int).Mul(den, big.NewInt(2)))
	p := Pence(num.Int64())
	if neg {
		return -p
	}
	return p
}

// MulDiv is amount x num / den, rounded half up once. den must be positive.
func MulDiv(amount Pence, num, den int64) Pence {
	r := new(big.Rat).SetFrac(big.NewInt(num), big.NewInt(den))
	return RoundHalfUp(r.Mul(r, new(big.Rat).SetInt64(int64(amount))))
}

// Split divides total by weights so that the parts sum to it exactly: whole
// units down, then spare ones to the largest remainders, ties to the earlier
// part (T20). Negative totals split as their positive. No weight may be
// negative; if all are zero the whole goes to the first part.
func Split(total int64, weights []int64) []int64 {
	parts := make([]int64, len(weights))
	if len(weights) == 0 {
		return parts
	}
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, big.NewInt(w))
	}
	if sum.Sign() == 0 {
		parts[0] = total
		return parts
	}
	sign := int64(1)
	if total < 0 {
		sign, total = -1, -total
	}
	rest := make([]*big.Int, len(weights))
	given := int64(0)
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(big.NewInt(total), big.NewInt(w)), sum, new(big.Int))
		parts[i], rest[i] = q.Int64(), r
		given += parts[i]
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return rest[order[a]].Cmp(rest[order[b]]) > 0 })
	for i := int64(0); i < total-given; i++ {
		parts[order[i]]++
	}
	for i := range parts {
		parts[i] *= sign
	}
	return parts
}
