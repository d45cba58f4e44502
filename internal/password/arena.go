package password

import (
	"encoding/binary"
	"sync"
	_ "unsafe" // for linkname

	"golang.org/x/crypto/blake2b"
)

// arena is the memory that argon2id works in, kept from one hash to the next.
//
// golang.org/x/crypto/argon2 takes new memory for each hash, 19 MiB by default:
// a collection of the whole heap every other sign-in, fresh pages from the
// system, and as much memory again as is in use (golang/go#36634 asks for a way
// to bring one's own). The steps it is made of are called here one by one, by
// name, on memory that is used again. Their arguments are those of the version
// in go.mod; TestArena fails, or the program does not link, when another
// version has others.
//
// What a hash leaves in it is overwritten by the next, and given back to the
// system some minutes after the last: no worse than garbage, which lies about
// as long.
type arena struct{ free sync.Pool }

// argonBlock is a block of 1 KiB (RFC 9106, section 3.2).
type argonBlock [128]uint64

const (
	argonID     = 2 // the type in the hash of the parameters (RFC 9106, section 3.2)
	argonSlices = 4 // of a lane (RFC 9106, section 3.4)
)

//go:linkname argonSeed golang.org/x/crypto/argon2.initHash
func argonSeed(password, salt, secret, data []byte, time, memory, threads, keyLen uint32, mode int) [blake2b.Size + 8]byte

//go:linkname argonLong golang.org/x/crypto/argon2.blake2bHash
func argonLong(out, in []byte)

//go:linkname argonFill golang.org/x/crypto/argon2.processBlocks
func argonFill(blocks []argonBlock, time, memory, threads uint32, mode int)

//go:linkname argonKey golang.org/x/crypto/argon2.extractKey
func argonKey(blocks []argonBlock, memory, threads, keyLen uint32) []byte

// idKey is argon2.IDKey.
func (a *arena) idKey(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
	return a.derive(password, salt, nil, nil, time, memory, uint32(threads), keyLen)
}

func (a *arena) derive(password, salt, secret, data []byte, time, memory, threads, keyLen uint32) []byte {
	seed := argonSeed(password, salt, secret, data, time, memory, threads, keyLen, argonID)
	// Each lane has as many blocks as fit evenly (RFC 9106, section 3.2, m').
	memory = max(memory/(argonSlices*threads), 2) * argonSlices * threads
	blocks, _ := a.free.Get().(*[]argonBlock)
	if blocks == nil || uint32(len(*blocks)) < memory {
		made := make([]argonBlock, memory)
		inLargePages(made)
		blocks = &made
	}
	defer a.free.Put(blocks)
	b := (*blocks)[:memory]
	clear(b) // the first pass adds to what is there
	begin(b, seed[:], memory/threads)
	argonFill(b, time, memory, threads, argonID)
	return argonKey(b, memory, threads, keyLen)
}

// begin writes the first two blocks of each lane: H'(H0, column, lane) (RFC
// 9106, section 3.2, steps 3 and 4).
func begin(blocks []argonBlock, seed []byte, lane uint32) {
	var text [1024]byte
	for at := range blocks {
		column := uint32(at) % lane
		if column > 1 {
			continue
		}
		binary.LittleEndian.PutUint32(seed[blake2b.Size:], column)
		binary.LittleEndian.PutUint32(seed[blake2b.Size+4:], uint32(at)/lane)
		argonLong(text[:], seed)
		for i := range blocks[at] {
			blocks[at][i] = binary.LittleEndian.Uint64(text[8*i:])
		}
	}
}
