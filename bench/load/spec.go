// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"time"
)

// Spec says what to do and to whom. Files are PEM.
type Spec struct {
	Kind        string         `json:"kind"` // get, ask, count, rate, handshake, download, upload, watch, fanout, stall, abort, echo, tcp
	Address     string         `json:"address"`
	ServerName  string         `json:"server_name"`
	Roots       string         `json:"roots"`
	Certificate string         `json:"certificate"`
	Key         string         `json:"key"`
	Path        string         `json:"path"`
	StallPath   string         `json:"stall_path"` // stall: what the stopped reader asks for
	BriefPath   string         `json:"brief_path"` // abort: what has a short answer
	Protocol    string         `json:"protocol"`   // h2 (default) or http/1.1; only get knows both, echo is http/1.1
	Connections int            `json:"connections"`
	Streams     int            `json:"streams"` // per connection
	Rate        float64        `json:"rate"`    // requests/s over all connections, for rate, stall and echo
	Warmup      float64        `json:"warmup"`  // seconds before the window
	Seconds     float64        `json:"seconds"` // the window
	Count       int            `json:"count"`   // abort, count: how many requests (abort: about) instead of a window
	Ask         Ask            `json:"ask"`     // ask, count, fanout: the requests
	Plain       bool           `json:"plain"`   // no Accept-Encoding
	Stalled     int            `json:"stalled"` // stall: how many stopped readers, 1 if not said
	Settle      float64        `json:"settle"`  // stall: seconds in which their buffers fill, before the warm-up
	Reopen      bool           `json:"reopen"`  // watch: ask again when one ends after a whole event
	Resume      bool           `json:"resume"`  // handshake: with sessions of earlier ones
	Processes   map[string]int `json:"processes"`
}

// Ask makes numbered requests. In Path and Body, {n} is the number and {now} the time in nanoseconds.
type Ask struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Body        string `json:"body"`
	ContentType string `json:"content_type"`
	First       int    `json:"first"` // number of the first request
	Range       int    `json:"range"` // numbers go round below First + Range; 0: they never repeat
}

// Result is what one measurement found. Times are microseconds.
type Result struct {
	Seconds    float64 `json:"seconds"`
	Done       int     `json:"done"` // requests, events or connections in the window
	Failures   int     `json:"failures"`
	FirstError string  `json:"first_error,omitempty"`
	Bytes      int64   `json:"bytes"`
	Next       int     `json:"next"` // ask, count: no request had this number or a higher one
	Resumed    int     `json:"resumed"`
	P50        float64 `json:"p50"`
	P99        float64 `json:"p99"`
	// Processor time in the window and resident memory, by the names given in Processes.
	CPU       map[string]float64 `json:"cpu"`        // seconds
	PeakBytes map[string]int64   `json:"peak_bytes"` // highest in the window
	OwnCPU    float64            `json:"own_cpu"`
}

func (s *Spec) defaults() error {
	if s.Protocol == "" {
		s.Protocol = "h2"
	}
	s.Connections = max(s.Connections, 1)
	s.Streams = max(s.Streams, 1)
	s.Stalled = max(s.Stalled, 1)
	if s.Address == "" || (s.Path == "" && s.Ask.Path == "") || (s.Seconds <= 0 && s.Count <= 0) {
		return fmt.Errorf("address, path and seconds (or count) are needed")
	}
	return nil
}

func (s *Spec) tls() (*tls.Config, error) {
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(s.Roots)
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", s.Roots)
	}
	pair, err := tls.LoadX509KeyPair(s.Certificate, s.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		RootCAs: roots, ServerName: s.ServerName, Certificates: []tls.Certificate{pair},
		NextProtos: []string{s.Protocol}, MinVersion: tls.VersionTLS13,
	}, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
