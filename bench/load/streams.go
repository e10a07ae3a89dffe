// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Runs one goroutine per connection that reads frames and hands them to what `reader` makes for that connection.
func streaming(spec *Spec, config *tls.Config, expected int, reader streamReader) (Result, error) {
	workers, err := streamWorkers(spec, config, reader)
	if err != nil {
		return Result{}, err
	}
	return observe(spec, workers, expected)
}

type eventHandler = func(h2Event, *window, *tally) error

type streamReader func(*h2Conn) (eventHandler, error)

func streamWorkers(spec *Spec, config *tls.Config, reader streamReader) ([]worker, error) {
	var workers []worker
	for range spec.Connections {
		conn, err := dialH2(spec, config)
		if err != nil {
			return nil, err
		}
		handle, err := reader(conn)
		if err == nil {
			err = conn.flush()
		}
		if err != nil {
			return nil, err
		}
		run := func(w *window, t *tally) {
			for {
				if conn.leaving && conn.watching == 0 && spec.Reopen && !w.over.Load() {
					if conn, handle, err = again(conn, spec, config, reader); err != nil {
						t.fail(err)
						return
					}
				}
				if w.over.Load() {
					return
				}
				event, err := conn.read()
				if err == nil && event.status != 0 && event.status/100 != 2 {
					err = fmt.Errorf("HTTP %d", event.status)
				}
				if err == nil && event.status != 0 {
					w.begun.Add(1)
				}
				if err == nil {
					err = handle(event, w, t)
				}
				if err == nil && event.ended && !spec.Reopen {
					err = errors.New("the answer ended before the window")
				}
				if err != nil {
					if !w.over.Load() {
						t.fail(err)
					}
					return
				}
			}
		}
		workers = append(workers, worker{run, func() { conn.close() }})
	}
	return workers, nil
}

// All watches anew on another connection, where the server drains.
func again(old *h2Conn, spec *Spec, config *tls.Config, reader streamReader) (*h2Conn, eventHandler, error) {
	old.close()
	conn, err := dialH2(spec, config)
	if err != nil {
		return old, nil, err
	}
	handle, err := reader(conn)
	if err == nil {
		err = conn.flush()
	}
	return conn, handle, err
}

func (c *h2Conn) open(spec *Spec) error {
	c.watching = spec.Streams
	for range spec.Streams {
		if _, err := c.request("GET", spec.Path, false); err != nil {
			return err
		}
	}
	return nil
}

func download(spec *Spec, config *tls.Config) (Result, error) {
	return streaming(spec, config, spec.Connections*spec.Streams, func(c *h2Conn) (eventHandler, error) {
		count := func(event h2Event, w *window, t *tally) error {
			if w.open.Load() {
				t.bytes += int64(len(event.data))
			}
			return nil
		}
		return count, c.open(spec)
	})
}

func upload(spec *Spec, config *tls.Config) (Result, error) {
	chunk := make([]byte, 16<<10)
	return streaming(spec, config, 0, func(c *h2Conn) (eventHandler, error) {
		var bodies []uint32
		for range spec.Streams {
			stream, err := c.request("POST", spec.Path, true)
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, stream)
		}
		fill := func(event h2Event, w *window, t *tally) error {
			if !event.credit {
				return nil
			}
			for sent := true; sent; {
				sent = false
				for _, stream := range bodies {
					n, err := c.send(stream, chunk)
					if err != nil {
						return err
					}
					sent = sent || n > 0
					if w.open.Load() {
						t.bytes += int64(n)
					}
				}
			}
			return c.flush()
		}
		return fill, nil
	})
}

var sentMark = []byte(`"sent":"`)

// Watches whose events carry the time at which the origin wrote them.
func watches(spec *Spec, config *tls.Config) (Result, error) {
	return streaming(spec, config, spec.Connections*spec.Streams, watchReader(spec, time.Time{}))
}

// With a time, events of anything else than writes since then are left out.
func watchReader(spec *Spec, since time.Time) streamReader {
	return func(c *h2Conn) (eventHandler, error) {
		partial := map[uint32][]byte{}
		lines := func(event h2Event, w *window, t *tally) error {
			rest := append(partial[event.stream], event.data...)
			for {
				line, after, whole := bytes.Cut(rest, []byte{'\n'})
				if !whole {
					partial[event.stream] = rest
					return c.reopen(spec, event, rest)
				}
				rest = after
				sent, err := sentTime(line)
				if since.IsZero() && err != nil {
					return err
				}
				if w.open.Load() && !sent.Before(since) {
					t.done++
					t.delays = append(t.delays, time.Since(sent))
				}
			}
		}
		return lines, c.open(spec)
	}
}

// Goes on with a watch that has ended, if that is wanted; within an event it must not end.
func (c *h2Conn) reopen(spec *Spec, event h2Event, rest []byte) error {
	if !event.ended || !spec.Reopen {
		return nil
	}
	if len(rest) > 0 {
		return fmt.Errorf("the watch ended within an event, after %d bytes of it", len(rest))
	}
	if c.leaving {
		c.watching--
		return nil
	}
	if _, err := c.request("GET", spec.Path, false); err != nil {
		return err
	}
	return c.flush()
}

func sentTime(line []byte) (time.Time, error) {
	_, after, found := bytes.Cut(line, sentMark)
	text, _, ended := bytes.Cut(after, []byte{'"'})
	if !found || !ended {
		return time.Time{}, fmt.Errorf("no event of the origin: %.80q", line)
	}
	nanoseconds, err := strconv.ParseInt(string(text), 10, 64)
	return time.Unix(0, nanoseconds), err
}
