// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

func measure(spec Spec) (Result, error) {
	if err := spec.defaults(); err != nil {
		return Result{}, err
	}
	config, err := spec.tls()
	if err != nil {
		return Result{}, err
	}
	kinds := map[string]func(*Spec, *tls.Config) (Result, error){
		"get": closedLoop, "rate": fixedRate, "stall": stalledReader, "handshake": handshakes,
		"download": download, "upload": upload, "watch": watches, "abort": aborts, "ask": asking, "count": counted,
		"fanout": fanOut, "echo": echoes, "tcp": plainTCP,
	}
	run, known := kinds[spec.Kind]
	if !known {
		return Result{}, fmt.Errorf("there is no kind %q", spec.Kind)
	}
	return run(&spec, config)
}

// A client that asks again as soon as it has its answer.
func closedLoop(spec *Spec, config *tls.Config) (Result, error) {
	var workers []worker
	for range spec.Connections {
		var one worker
		var err error
		if spec.Protocol == "h2" {
			one, err = h2Loop(spec, config)
		} else {
			one, err = h1Loop(spec, config)
		}
		if err != nil {
			return Result{}, err
		}
		workers = append(workers, one)
	}
	return observe(spec, workers, spec.Connections*spec.Streams)
}

func h2Loop(spec *Spec, config *tls.Config) (worker, error) {
	conn, err := dialH2(spec, config)
	if err != nil {
		return worker{}, err
	}
	run := func(w *window, t *tally) {
		began := map[uint32]time.Time{}
		start := func() error {
			stream, err := conn.request("GET", spec.Path, false)
			began[stream] = time.Now()
			return err
		}
		for range spec.Streams {
			if err := start(); err != nil {
				t.fail(err)
				return
			}
		}
		err := conn.flush()
		for err == nil && !w.over.Load() {
			var event h2Event
			event, err = conn.read()
			if err == nil && event.status != 0 && event.status != 200 {
				err = fmt.Errorf("HTTP %d", event.status)
			}
			if err == nil && event.status == 200 {
				w.begun.Add(1)
			}
			if w.open.Load() {
				t.bytes += int64(len(event.data))
			}
			if err == nil && event.ended {
				if w.open.Load() {
					t.done++
					t.delays = append(t.delays, time.Since(began[event.stream]))
				}
				delete(began, event.stream)
				if err = start(); err == nil {
					err = conn.flush()
				}
			}
		}
		if err != nil && !w.over.Load() {
			t.fail(err)
		}
	}
	return worker{run, conn.close}, nil
}

func h1Loop(spec *Spec, config *tls.Config) (worker, error) {
	raw, err := dialTLS(context.Background(), spec, config)
	if err != nil {
		return worker{}, err
	}
	in := bufio.NewReaderSize(raw, 32<<10)
	request := fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nUser-Agent: roadstead-bench/1\r\n\r\n",
		spec.Path, spec.ServerName)
	run := func(w *window, t *tally) {
		for !w.over.Load() {
			began := time.Now()
			err := h1Get(raw, in, request)
			if err != nil {
				if !w.over.Load() {
					t.fail(err)
				}
				return
			}
			w.begun.Add(1)
			if w.open.Load() {
				t.done++
				t.delays = append(t.delays, time.Since(began))
			}
		}
	}
	return worker{run, func() { raw.NetConn().Close() }}, nil
}

func h1Get(out io.Writer, in *bufio.Reader, request []byte) error {
	if _, err := out.Write(request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != 200 {
		return fmt.Errorf("HTTP %d", answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// The server had said to go elsewhere before it saw the request, which any client then does.
var errElsewhere = errors.New("the server did not take the request, since it drains")

// One request on an idle connection.
func (c *h2Conn) get(path string) error {
	wanted, err := c.request("GET", path, false)
	if err == nil {
		err = c.flush()
	}
	for err == nil {
		var event h2Event
		event, err = c.read()
		if err == nil && event.status != 0 && event.status != 200 {
			err = fmt.Errorf("HTTP %d", event.status)
		}
		if err == nil && event.stream == wanted && event.ended {
			return nil
		}
		if c.leaving && wanted > c.lastStream {
			return errElsewhere
		}
	}
	return err
}

// get, on a new connection where the server wants that.
func getAnywhere(conn **h2Conn, spec *Spec, config *tls.Config) error {
	err := error(errElsewhere)
	if !(*conn).leaving {
		err = (*conn).get(spec.Path)
	}
	for range 3 { // a new connection may meet a server that drains, too
		if !errors.Is(err, errElsewhere) {
			break
		}
		(*conn).close()
		fresh, dialled := dialH2(spec, config)
		if dialled != nil {
			return dialled
		}
		*conn = fresh
		err = fresh.get(spec.Path)
	}
	return err
}

// Requests at fixed times, whatever the answers do. A request's delay counts from when it was handed out, so one that
// waits for a free connection counts in full.
func fixedRate(spec *Spec, config *tls.Config) (Result, error) {
	workers, err := rateWorkers(spec, config)
	if err != nil {
		return Result{}, err
	}
	return observe(spec, workers, 0)
}

func rateWorkers(spec *Spec, config *tls.Config) ([]worker, error) {
	tickets := make(chan time.Time, 4096)
	interval := seconds(1 / spec.Rate)
	workers := []worker{{run: func(w *window, t *tally) {
		defer close(tickets)
		for due := time.Now(); !w.over.Load(); due = due.Add(interval) {
			time.Sleep(time.Until(due))
			select {
			case tickets <- time.Now():
			default:
				t.fail(errors.New("4,096 requests wait for a connection"))
			}
		}
	}}}
	for range spec.Connections {
		conn, err := dialH2(spec, config)
		if err != nil {
			return nil, err
		}
		workers = append(workers, worker{
			run: func(w *window, t *tally) {
				for asked := range tickets {
					err := getAnywhere(&conn, spec, config)
					switch {
					case w.over.Load():
						return
					case err != nil:
						t.fail(err)
						if conn, err = dialH2(spec, config); err != nil {
							return
						}
					case w.open.Load():
						t.done++
						t.delays = append(t.delays, time.Since(asked))
					}
				}
			},
			end: func() { conn.close() },
		})
	}
	return workers, nil
}

// fixedRate beside clients that ask for a long answer and never read it, each on a connection of its own.
func stalledReader(spec *Spec, config *tls.Config) (Result, error) {
	for range spec.Stalled {
		stalled, err := dialH2(spec, config)
		if err != nil {
			return Result{}, err
		}
		defer stalled.close()
		if _, err := stalled.request("GET", spec.StallPath, false); err != nil {
			return Result{}, err
		}
		if err := stalled.flush(); err != nil {
			return Result{}, err
		}
	}
	time.Sleep(seconds(spec.Settle))
	return fixedRate(spec, config)
}

// A new connection for every request.
func handshakes(spec *Spec, config *tls.Config) (Result, error) {
	var workers []worker
	for range spec.Connections {
		own := config.Clone()
		if spec.Resume {
			own.ClientSessionCache = tls.NewLRUClientSessionCache(1)
		}
		workers = append(workers, worker{run: func(w *window, t *tally) {
			for !w.over.Load() {
				began := time.Now()
				resumed, err := onNewConnection(spec, own)
				if !w.open.Load() {
					continue
				}
				if err != nil {
					t.fail(err)
					continue
				}
				if resumed {
					t.resumed++
				}
				t.done++
				t.delays = append(t.delays, time.Since(began))
			}
		}})
	}
	return observe(spec, workers, 0)
}

func onNewConnection(spec *Spec, config *tls.Config) (resumed bool, err error) {
	conn, err := dialH2(spec, config)
	if err != nil {
		return false, err
	}
	defer conn.raw.Close()
	return conn.raw.ConnectionState().DidResume, conn.get(spec.Path)
}
