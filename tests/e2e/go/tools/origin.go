// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net"
)

// origin serves three ports of a pod: 9000 reads a length of eight bytes and so much input and answers with the input's
// SHA-256, 9001 sends so many zeros and closes, 9002 echoes until its input ends, 9003 says "end" when its input has
// ended.
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
	return <-failed
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
