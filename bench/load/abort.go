// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const abortPatience = 5 * time.Second

// Requests that their client gives up, half of them at once and half when the head of the answer is there. Each connection
// must serve a request in the end. Nothing is asked after Seconds, so there may be fewer than Count.
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
				if err := conn.abort(spec.Path, random.IntN(2) == 0); err != nil {
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

func (c *h2Conn) abort(path string, early bool) error {
	if err := c.raw.SetDeadline(time.Now().Add(abortPatience)); err != nil {
		return err
	}
	wanted, err := c.request("GET", path, false)
	if err != nil {
		return err
	}
	if !early {
		if err := c.flush(); err != nil {
			return err
		}
		for status := 0; status == 0; {
			event, err := c.read()
			if err != nil {
				return err
			}
			if event.stream == wanted {
				status = event.status
			}
		}
	}
	if err := c.reset(wanted); err != nil {
		return err
	}
	return c.flush()
}
