// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// asker hands out numbers to all connections of a measurement.
type asker struct {
	Ask
	next atomic.Int64
	left atomic.Int64 // how many may still be asked
}

func newAsker(ask Ask, most int) *asker {
	a := &asker{Ask: ask}
	a.left.Store(int64(most))
	return a
}

func (a *asker) fill(text string, n int) string {
	text = strings.ReplaceAll(text, "{n}", strconv.Itoa(n))
	return strings.ReplaceAll(text, "{now}", strconv.FormatInt(time.Now().UnixNano(), 10))
}

// Buffers the next request. Stream 0: there is none left.
func (a *asker) send(c *h2Conn) (uint32, error) {
	if a.left.Add(-1) < 0 {
		return 0, nil
	}
	n := int(a.next.Add(1)) - 1
	if a.Range > 0 {
		n %= a.Range
	}
	n += a.First
	var body []byte
	if a.Body != "" {
		body = []byte(a.fill(a.Body, n))
	}
	return c.requestWith(a.Method, a.fill(a.Path, n), a.ContentType, body)
}

func (a *asker) end() int { return a.First + int(a.next.Load()) }

// One connection in a closed loop: `streams` requests at a time, until the window is over or none are left.
func (a *asker) loop(conn *h2Conn, streams int, w *window, t *tally) error {
	began := map[uint32]time.Time{}
	var refusal []byte
	start := func() error {
		now := time.Now()
		stream, err := a.send(conn)
		if err == nil && stream != 0 {
			began[stream] = now
		}
		return err
	}
	for range streams {
		if err := start(); err != nil {
			return err
		}
	}
	if err := conn.flush(); err != nil {
		return err
	}
	var refused uint32
	status := 0
	for len(began) > 0 && !w.over.Load() {
		event, err := conn.read()
		if err != nil {
			return err
		}
		gone := a.Method == "DELETE" && event.status == 404 // as good as deleted
		if event.status/100 == 2 || gone {
			w.begun.Add(1)
		} else if event.status != 0 && refused == 0 {
			refused, status = event.stream, event.status
		}
		if event.stream == refused && refused != 0 {
			refusal = append(refusal, event.data...)
			if event.ended {
				return fmt.Errorf("HTTP %d: %.300s", status, refusal)
			}
		}
		if w.open.Load() {
			t.bytes += int64(len(event.data))
		}
		if !event.ended {
			continue
		}
		if w.open.Load() {
			t.done++
			t.delays = append(t.delays, time.Since(began[event.stream]))
		}
		delete(began, event.stream)
		if err := start(); err != nil {
			return err
		}
		if err := conn.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (a *asker) workers(spec *Spec, config *tls.Config) ([]worker, error) {
	var workers []worker
	for range spec.Connections {
		conn, err := dialH2(spec, config)
		if err != nil {
			return nil, err
		}
		workers = append(workers, worker{func(w *window, t *tally) {
			if err := a.loop(conn, spec.Streams, w, t); err != nil && !w.over.Load() {
				t.fail(err)
			}
		}, conn.close})
	}
	return workers, nil
}

const unlimited = 1 << 60

// Numbered requests in a closed loop for the time of a window.
func asking(spec *Spec, config *tls.Config) (Result, error) {
	a := newAsker(spec.Ask, unlimited)
	workers, err := a.workers(spec, config)
	if err != nil {
		return Result{}, err
	}
	r, err := observe(spec, workers, spec.Connections)
	r.Next = a.end()
	return r, err
}

// So many numbered requests, as fast as they are answered.
func counted(spec *Spec, config *tls.Config) (Result, error) {
	a := newAsker(spec.Ask, spec.Count)
	workers, err := a.workers(spec, config)
	if err != nil {
		return Result{}, err
	}
	books, err := openAccount(spec.Processes)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	r := runOut(workers)
	r.Seconds = time.Since(began).Seconds()
	r.Next = a.end()
	return r, books.close(&r)
}

// Watches, and one writer at a fixed rate whose body carries {now} as "sent": an event's delay counts from before its write.
func fanOut(spec *Spec, config *tls.Config) (Result, error) {
	workers, err := streamWorkers(spec, config, watchReader(spec, time.Now()))
	if err != nil {
		return Result{}, err
	}
	conn, err := dialH2(spec, config)
	if err != nil {
		return Result{}, err
	}
	a := newAsker(spec.Ask, unlimited)
	expected := int64(spec.Connections * spec.Streams)
	workers = append(workers, worker{func(w *window, t *tally) {
		for due := time.Now(); !w.over.Load(); due = due.Add(seconds(1 / spec.Rate)) {
			time.Sleep(time.Until(due))
			if w.begun.Load() < expected {
				continue
			}
			if err := a.one(conn); err != nil {
				if !w.over.Load() {
					t.fail(err)
				}
				return
			}
		}
	}, conn.close})
	return observe(spec, workers, int(expected))
}

// One request, and its answer.
func (a *asker) one(conn *h2Conn) error {
	stream, err := a.send(conn)
	if err == nil {
		err = conn.flush()
	}
	for err == nil {
		var event h2Event
		event, err = conn.read()
		if err == nil && event.status != 0 && event.status/100 != 2 {
			err = fmt.Errorf("HTTP %d", event.status)
		}
		if err == nil && event.stream == stream && event.ended {
			return nil
		}
	}
	return errors.Join(errors.New("the write of the fan-out failed"), err)
}
