// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"net"
)

const plainBlock = 256 << 10

// A second port, at the same host, that sends bytes to whoever connects, in plain TCP: what a path can carry.
func servePlain(beside net.Listener) (net.Addr, error) {
	host, _, err := net.SplitHostPort(beside.Addr().String())
	if err != nil {
		return nil, err
	}
	socket, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for block := make([]byte, plainBlock); ; {
					if _, err := conn.Write(block); err != nil {
						return
					}
				}
			}()
		}
	}()
	return socket.Addr(), nil
}

func plainTCP(spec *Spec, _ *tls.Config) (Result, error) {
	var workers []worker
	for range spec.Connections {
		conn, err := net.Dial("tcp", spec.Address)
		if err != nil {
			return Result{}, err
		}
		workers = append(workers, worker{func(w *window, t *tally) {
			for block := make([]byte, plainBlock); ; {
				n, err := conn.Read(block)
				if err != nil {
					if !w.over.Load() {
						t.fail(err)
					}
					return
				}
				w.begun.Add(1)
				if w.open.Load() {
					t.bytes += int64(n)
				}
			}
		}, func() { conn.Close() }})
	}
	return observe(spec, workers, spec.Connections)
}
