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
	mostFrames    = 8
)

// Requests that their client gives up: half of them at once, the others when the head of the answer or some frames of its body
// are there, at random. Each connection must serve a request in the end. Nothing is asked after Seconds, so there may be fewer than Count.
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
			for left.Add(-1) >= 0 && time.Now().Before(limit) {
				if err := conn.abort(spec.Path, random.IntN(2)*random.IntN(mostFrames)); err != nil {
					t.fail(err)
					return
				}
				t.done++
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

// Gives a request up after so many frames of its answer.
func (c *h2Conn) abort(path string, frames int) error {
	if err := c.raw.SetDeadline(time.Now().Add(abortPatience)); err != nil {
		return err
	}
	wanted, err := c.request("GET", path, false)
	if err != nil {
		return err
	}
	if frames > 0 {
		if err := c.flush(); err != nil {
			return err
		}
	}
	for seen := 0; seen < frames; {
		event, err := c.read()
		if err != nil {
			return err
		}
		if event.stream == wanted {
			seen++
		}
	}
	if err := c.reset(wanted); err != nil {
		return err
	}
	return c.flush()
}
