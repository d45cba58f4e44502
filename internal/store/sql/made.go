package sqlstore

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/usher-id/usher/internal/snowflake"
	"github.com/usher-id/usher/internal/user"
)

const maxNode = 1<<snowflake.NodeBits - 1

// maker makes times, ids and numbers, each id and number greater than the one
// before, even where the clock went back.
type maker struct {
	clock func() time.Time
	node  int64

	mu     sync.Mutex
	random io.Reader
	idTick int64 // the last id's time, in 4096ths of a millisecond
	number int64 // the last number's milliseconds and sequence
}

func newMaker(o Options) (*maker, error) {
	m := &maker{clock: o.Clock, random: o.Random, node: int64(o.Node)}
	if o.Node > maxNode {
		return nil, fmt.Errorf("node number %d: %d is the highest", o.Node, maxNode)
	}
	if o.Node < 0 {
		var b [2]byte
		if _, err := io.ReadFull(o.Random, b[:]); err != nil {
			return nil, fmt.Errorf("choosing a node number: %w", err)
		}
		m.node = int64(binary.BigEndian.Uint16(b[:]) & maxNode)
	}
	return m, nil
}

func (m *maker) time() time.Time { return m.clock().UTC().Truncate(time.Microsecond) }

// id makes a UUIDv7 whose 12 bits after the version are the fraction of the
// millisecond (RFC 9562, section 6.2, method 3), so that ids of one process
// are in order.
func (m *maker) id() user.ID {
	var u uuid.UUID
	m.mu.Lock()
	m.fill(u[8:])
	now := m.clock()
	ms := now.UnixMilli()
	tick := ms<<12 | int64(now.Nanosecond()%1e6)<<12/1e6
	m.idTick = max(tick, m.idTick+1)
	tick = m.idTick
	m.mu.Unlock()
	binary.BigEndian.PutUint64(u[:8], uint64(tick>>12)<<16|0x7000|uint64(tick&0xfff)) //nolint:gosec // both are positive
	u[8] = u[8]&0x3f | 0x80
	return user.ID(u.String())
}

func (m *maker) uuid() [16]byte {
	var u uuid.UUID
	m.mu.Lock()
	m.fill(u[:])
	m.mu.Unlock()
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// fill reads randomness. There is no safe way to go on without; crypto/rand
// never fails.
func (m *maker) fill(b []byte) {
	if _, err := io.ReadFull(m.random, b); err != nil {
		panic(fmt.Sprintf("store: no randomness: %v", err))
	}
}

// snowflake makes a number: milliseconds, node, sequence within the
// millisecond. It runs ahead of the clock when a millisecond is used up.
func (m *maker) snowflake() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.number = max((m.clock().UnixMilli()-snowflake.Epoch)<<snowflake.SequenceBits, m.number+1)
	ms, seq := m.number>>snowflake.SequenceBits, m.number&(1<<snowflake.SequenceBits-1)
	return ms<<(snowflake.NodeBits+snowflake.SequenceBits) | m.node<<snowflake.SequenceBits | seq
}
