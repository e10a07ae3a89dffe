// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A keystroke as kubectl exec sends one: a masked WebSocket frame of channel 0 and one letter.
const keystrokeBytes = 8

// Keystrokes at fixed times on an upgraded connection; each waits for its echo.
func echoes(spec *Spec, config *tls.Config) (Result, error) {
	spec.Protocol = "http/1.1"
	config.NextProtos = []string{spec.Protocol}
	conn, in, err := upgrade(spec, config)
	if err != nil {
		return Result{}, err
	}
	interval := seconds(1 / spec.Rate)
	run := func(w *window, t *tally) {
		key := make([]byte, keystrokeBytes)
		for due := time.Now(); !w.over.Load(); due = due.Add(interval) {
			time.Sleep(time.Until(due))
			began := time.Now()
			_, err := conn.Write(key)
			if err == nil {
				_, err = io.ReadFull(in, key)
			}
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
	return observe(spec, []worker{{run, func() { conn.NetConn().Close() }}}, 1)
}

func upgrade(spec *Spec, config *tls.Config) (*tls.Conn, *bufio.Reader, error) {
	conn, err := dialTLS(context.Background(), spec, config)
	if err != nil {
		return nil, nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cm9hZHN0ZWFkLWJlbmNoLQ==\r\n"+
		"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n", spec.Path, spec.ServerName)
	if err == nil {
		err = conn.SetReadDeadline(time.Now().Add(patience))
	}
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("HTTP %d instead of 101", answer.StatusCode)
	}
	err = errors.Join(err, conn.SetReadDeadline(time.Time{}))
	if err != nil {
		conn.Close()
	}
	return conn, in, err
}

// Bytes come back as they are, frames and all; nobody between client and origin reads frames.
func (o *origin) shell(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		answer(w, 400, map[string]string{"kind": "Status", "message": "this wants an upgrade to websocket"})
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		answer(w, 500, map[string]string{"kind": "Status", "message": err.Error()})
		return
	}
	defer conn.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, 4.2.2
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
		base64.StdEncoding.EncodeToString(accept[:]))
	if err == nil {
		_, _ = io.Copy(conn, buffered)
	}
}
