// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	abortPatience = 5 * time.Second
	mostFrames    = 8 // of one long answer
	flight        = 8 // short ones at a time
	longShare     = 4 // one time in so many it is a long one
)

// Requests that their client gives up, at random: half of the times at once, else when some frames of the answers are there.
// Each time it is one long answer of Path, or several short ones of BriefPath, of which those count that had not ended.
// Each connection must serve a request in the end. Nothing is asked after Seconds, so there may be fewer than Count.
func aborts(spec *Spec, config *tls.Config) (Result, error) {
	var left atomic.Int64
	left.Store(int64(spec.Count))
	limit := time.Now().Add(seconds(spec.Seconds))
	var workers []worker
	for seed := range spec.Connections {
		conn, err := dialH2(spec, config)
		if err != nil {
			return Result{}, err
		}
		random := rand.New(rand.NewPCG(1, uint64(seed)))
		workers = append(workers, worker{func(_ *window, t *tally) {
			for left.Load() > 0 && time.Now().Before(limit) {
				given, err := conn.abortSome(spec, random)
				if err != nil {
					t.fail(err)
					return
				}
				t.done += given
				left.Add(-int64(given))
			}
			_ = conn.raw.SetDeadline(time.Now().Add(abortPatience))
			if err := conn.get(spec.Path + "?bytes=1"); err != nil {
				t.fail(err)
			}
		}, conn.close})
	}
	began := time.Now()
	r := runOut(workers)
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

func (c *h2Conn) abortSome(spec *Spec, random *rand.Rand) (int, error) {
	waits := random.IntN(2)
	if spec.BriefPath == "" || random.IntN(longShare) == 0 {
		return c.abort(spec.Path, 1, waits*random.IntN(mostFrames))
	}
	return c.abort(spec.BriefPath, flight, waits*random.IntN(2*flight))
}

// Gives requests up after so many frames of their answers together. Returns how many had not ended by then.
func (c *h2Conn) abort(path string, count, frames int) (int, error) {
	if err := c.raw.SetDeadline(time.Now().Add(abortPatience)); err != nil {
		return 0, err
	}
	open := map[uint32]bool{}
	for range count {
		stream, err := c.request("GET", path, false)
		if err != nil {
			return 0, err
		}
		open[stream] = true
	}
	if frames > 0 {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	for seen := 0; seen < frames && len(open) > 0; {
		event, err := c.read()
		if err != nil {
			return 0, err
		}
		if open[event.stream] {
			seen++
		}
		if event.ended {
			delete(open, event.stream)
		}
	}
	for stream := range open {
		if err := c.reset(stream); err != nil {
			return 0, err
		}
	}
	return len(open), c.flush()
}
