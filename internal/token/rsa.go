package token

import (
	"crypto/rsa"
	"math/big"
)

// soundRSA tells whether a key is good for RS256.
func soundRSA(k *rsa.PublicKey) bool {
	return k.N != nil && k.N.Bit(0) == 1 && k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192 &&
		k.E > 1 && k.E%2 == 1 && !roca(k.N)
}

// rocaPrimes are those by which the weak generator worked for every key size.
var rocaPrimes = [...]int64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
	89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// roca tells whether a modulus has the mark of the keys that can be factored
// (CVE-2017-15361): modulo each of the primes it is a power of 65537. A sound
// modulus is so by chance in one case of more than a hundred million.
func roca(n *big.Int) bool {
	rest := new(big.Int)
	for _, p := range rocaPrimes {
		want := rest.Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			found = found || power == want
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}
