// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
)

const (
	packetBytes = 2048 // more than the devices' MTU
	mostQueued  = 1 << 15
)

type shape struct {
	delay, buffer time.Duration
	rate, loss    float64
}

type packet struct {
	due  time.Time
	size int
	data [packetBytes]byte
}

// direction moves packets one way. The link sends one packet after the other; what would wait longer than `buffer` is dropped,
// as a full queue of a router does.
type direction struct {
	shape
	random                *rand.Rand
	queue, spare          chan *packet
	passed, lost, dropped atomic.Int64
}

func newDirection(s shape, seed uint64) *direction {
	return &direction{
		shape: s, random: rand.New(rand.NewPCG(seed, 7)),
		queue: make(chan *packet, mostQueued), spare: make(chan *packet, mostQueued),
	}
}

func (d *direction) take() *packet {
	select {
	case p := <-d.spare:
		return p
	default:
		return new(packet)
	}
}

func (d *direction) read(from *os.File) {
	var free time.Time // when the link has sent what it was given before
	for p := d.take(); ; {
		n, err := from.Read(p.data[:])
		if err != nil {
			return
		}
		now := time.Now()
		if free.Before(now) {
			free = now
		}
		if free.Sub(now) > d.buffer {
			d.dropped.Add(1)
			continue
		}
		free = free.Add(time.Duration(float64(n) / d.rate * float64(time.Second)))
		if d.random.Float64() < d.loss {
			d.lost.Add(1)
			continue
		}
		p.size, p.due = n, free.Add(d.delay)
		select {
		case d.queue <- p:
			p = d.take()
		default:
			d.dropped.Add(1)
		}
	}
}

func (d *direction) write(to *os.File) {
	for p := range d.queue {
		if wait := time.Until(p.due); wait > 0 {
			time.Sleep(wait)
		}
		// A device that is not up yet, or has gone, loses the packet.
		if _, err := to.Write(p.data[:p.size]); err == nil {
			d.passed.Add(1)
		}
		select {
		case d.spare <- p:
		default:
		}
	}
}
