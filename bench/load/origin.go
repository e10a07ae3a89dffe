// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const smallObject = 2048

// origin answers as an API server would, with nothing behind it.
type origin struct {
	token string
	small []byte
	block []byte
}

func runOrigin(arguments []string) error {
	flags := flag.NewFlagSet("origin", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address")
	certificate := flags.String("certificate", "", "PEM file")
	key := flags.String("key", "", "PEM file")
	clients := flags.String("clients", "", "PEM file: the CA of client certificates")
	token := flags.String("token-file", "", "a bearer token that is good as well")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(*certificate, *key)
	if err != nil {
		return err
	}
	roots, err := os.ReadFile(*clients)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(roots)
	secret, err := os.ReadFile(*token)
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:  newOrigin(strings.TrimSpace(string(secret))),
		ErrorLog: log.New(io.Discard, "", 0), // connections that end in the middle are part of the workloads
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
			MinVersion: tls.VersionTLS12,
		},
		// As k8s.io/apiserver sets them.
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 100, MaxReadFrameSize: 256 << 10,
			MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 25 << 20,
		},
	}
	plain, err := servePlain(socket)
	if err != nil {
		return err
	}
	fmt.Println(socket.Addr())
	fmt.Println(plain)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.ServeTLS(socket, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newOrigin(token string) http.Handler {
	o := &origin{token: token, block: []byte(strings.Repeat("0123456789abcdef", 2048))}
	o.small = padded(map[string]any{
		"kind": "ConfigMap", "apiVersion": "v1",
		"metadata": map[string]any{"name": "small", "namespace": "bench", "resourceVersion": "1"},
	}, smallObject)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]string{"major": "1", "minor": "36", "gitVersion": "v1.36.0-bench", "platform": "linux/amd64"})
	})
	mux.HandleFunc("GET /api/v1/namespaces/kube-system", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, map[string]any{"kind": "Namespace", "metadata": map[string]string{"name": "kube-system", "uid": "bench"}})
	})
	mux.HandleFunc("GET /api/v1/namespaces/bench/configmaps/small", o.getSmall)
	mux.HandleFunc("GET /api/v1/namespaces/bench/configmaps", o.list)
	mux.HandleFunc("POST /api/v1/namespaces/bench/configmaps", o.create)
	mux.HandleFunc("GET /api/v1/namespaces/bench/pods/bulk/log", o.bulk)
	mux.HandleFunc("GET /api/v1/namespaces/bench/pods", o.watch)
	mux.HandleFunc("GET /api/v1/namespaces/bench/pods/shell/exec", o.shell)
	return o.authenticated(mux)
}

func (o *origin) authenticated(next http.Handler) http.Handler {
	want := "Bearer " + o.token
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 && (o.token == "" || r.Header.Get("Authorization") != want) {
			answer(w, 401, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// An object of exactly `size` bytes.
func padded(object map[string]any, size int) []byte {
	data := map[string]string{"filler": ""}
	object["data"] = data
	bare, _ := json.Marshal(object)
	data["filler"] = strings.Repeat("x", max(size-len(bare), 0))
	whole, _ := json.Marshal(object)
	return whole
}

func (o *origin) getSmall(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(o.small)))
	h.Set("Cache-Control", "no-cache, private")
	h.Set("Audit-Id", "00000000-0000-4000-8000-000000000000")
	h.Set("X-Kubernetes-Pf-Flowschema-Uid", "00000000-0000-4000-8000-000000000000")
	h.Set("X-Kubernetes-Pf-Prioritylevel-Uid", "00000000-0000-4000-8000-000000000000")
	_, _ = w.Write(o.small)
}

// ?bytes=N, or as long as somebody reads.
func wanted(r *http.Request) int64 {
	n, err := strconv.ParseInt(r.URL.Query().Get("bytes"), 10, 64)
	if err != nil {
		return 1 << 62
	}
	return n
}

// With ?rate=R, R bytes a second.
func (o *origin) bulk(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	if r.URL.Query().Has("rate") {
		o.steady(w, r)
		return
	}
	for left := wanted(r); left > 0; {
		n, err := w.Write(o.block[:min(int64(len(o.block)), left)])
		if err != nil {
			return
		}
		left -= int64(n)
	}
}

func (o *origin) steady(w http.ResponseWriter, r *http.Request) {
	rate, ok := rateOf(w, r)
	if !ok {
		return
	}
	begun(w)
	control := http.NewResponseController(w)
	paced(r, rate/float64(len(o.block)), func() error {
		_, err := w.Write(o.block)
		return errors.Join(err, control.Flush())
	})
}

// A list of about ?bytes=N, chunked as API servers send long ones.
func (o *origin) list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[`)
	comma := ""
	for left := wanted(r); left > 0; left -= int64(len(o.small)) {
		if _, err := fmt.Fprint(w, comma, string(o.small)); err != nil {
			return
		}
		comma = ","
	}
	fmt.Fprint(w, "]}")
}

func (o *origin) create(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return
	}
	answer(w, 201, map[string]any{"kind": "ConfigMap", "apiVersion": "v1", "metadata": map[string]any{"name": "made", "received": n}})
}

// ?watch=true&rate=R: R events a second of 1 KiB, each with the time of writing.
func (o *origin) watch(w http.ResponseWriter, r *http.Request) {
	rate, ok := rateOf(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	begun(w)
	control := http.NewResponseController(w)
	filler := strings.Repeat("y", 900)
	paced(r, rate, func() error {
		_, err := fmt.Fprintf(w,
			`{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","annotations":{"sent":"%d","filler":"%s"}}}}`+"\n",
			time.Now().UnixNano(), filler)
		return errors.Join(err, control.Flush())
	})
}

func rateOf(w http.ResponseWriter, r *http.Request) (float64, bool) {
	rate, err := strconv.ParseFloat(r.URL.Query().Get("rate"), 64)
	if err != nil || rate <= 0 {
		answer(w, 400, map[string]string{"kind": "Status", "message": "rate: so many a second, above 0"})
		return 0, false
	}
	return rate, true
}

// Sends the head, long before there is a body.
func begun(w http.ResponseWriter) {
	w.WriteHeader(200)
	_ = http.NewResponseController(w).Flush()
}

// Does it `rate` times a second until it fails or nobody reads. The first time is random, so that many do not fire together;
// what is late is made up for.
func paced(r *http.Request, rate float64, do func() error) {
	interval := seconds(1 / rate)
	due := time.Now().Add(time.Duration(rand.Int64N(int64(interval))))
	for timer := time.NewTimer(time.Until(due)); ; timer.Reset(time.Until(due)) {
		select {
		case <-r.Context().Done():
			return
		case <-timer.C:
		}
		due = due.Add(interval)
		if do() != nil {
			return
		}
	}
}
