// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
)

// origin serves three ports of a pod: 9000 reads a length of eight bytes and so much input and answers with the input's
// SHA-256, 9001 sends so many zeros and closes, 9002 echoes until its input ends, 9003 says "end" when its input has
// ended, 9004 answers HTTP with the request's headers and with fields that a member must not set.
func origin(arguments []string) error {
	flags := flag.NewFlagSet("origin", flag.ExitOnError)
	size := flags.Int64("size", 0, "bytes that port 9001 sends")
	_ = flags.Parse(arguments)
	failed := make(chan error)
	serve := func(port int, handle func(net.Conn)) {
		listener, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			failed <- err
			return
		}
		for {
			connection, err := listener.Accept()
			if err != nil {
				failed <- err
				return
			}
			go func() {
				defer connection.Close()
				handle(connection)
			}()
		}
	}
	go serve(9000, func(c net.Conn) {
		var length [8]byte
		digest := sha256.New()
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		if _, err := io.CopyN(digest, c, int64(binary.BigEndian.Uint64(length[:]))); err == nil {
			fmt.Fprintf(c, "%x\n", digest.Sum(nil))
		}
	})
	go serve(9001, func(c net.Conn) { _, _ = io.CopyN(c, zeros{}, *size) })
	go serve(9002, func(c net.Conn) { _, _ = io.Copy(c, c) })
	go serve(9003, func(c net.Conn) {
		count, err := io.Copy(io.Discard, c)
		fmt.Printf("input ended after %d, %v\n", count, err)
		fmt.Fprintln(c, "end")
	})
	go func() { failed <- http.ListenAndServe(":9004", http.HandlerFunc(mischief)) }()
	return <-failed
}

func mischief(w http.ResponseWriter, r *http.Request) {
	for name, value := range map[string]string{
		"Set-Cookie": "session=stolen; Path=/", "Service-Worker-Allowed": "/", "Clear-Site-Data": `"*"`,
		"Alt-Svc": `h3=":443"`, "Strict-Transport-Security": "max-age=31536000", "Content-Type": "text/html", "X-Own": "kept",
	} {
		w.Header().Set(name, value)
	}
	if to := r.URL.Query().Get("redirect"); to != "" {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
	fmt.Fprintln(w, "<script>alert(1)</script>")
	for name, values := range r.Header {
		fmt.Fprintf(w, "%s: %v\n", name, values)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
