package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"sync"
)

// commonGz is described in NOTICE-common-passwords.md.
//
//go:embed common-passwords.txt.gz
var commonGz []byte

// common holds a 64-bit hash of each listed password, sorted: 154 KiB that a
// process pays only once a password is set. Another password meets one of the
// 19,640 by chance once in 10^15.
var common = sync.OnceValues(func() ([]uint64, error) {
	zr, err := gzip.NewReader(bytes.NewReader(commonGz))
	if err != nil {
		return nil, fmt.Errorf("read the common passwords: %w", err)
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return nil, fmt.Errorf("read the common passwords: %w", err)
	}
	sums := make([]uint64, 0, 20000)
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			sums = append(sums, sum64(line))
		}
	}
	slices.Sort(sums)
	return sums, nil
})

// isCommon looks up a password in lower case.
func isCommon(lower string) (bool, error) {
	sums, err := common()
	if err != nil {
		return false, err
	}
	_, found := slices.BinarySearch(sums, sum64([]byte(lower)))
	return found, nil
}

func sum64(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b)
	return h.Sum64()
}
