// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// abort opens requests and gives them up in every phase: before the head of the answer, after it, within the body of a
// watch, and by closing the connection below. Some share an HTTP/2 connection, some have one of their own.
func abort(arguments []string) error {
	flags := flag.NewFlagSet("abort", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "")
	namespace := flags.String("namespace", "default", "")
	count := flags.Int("count", 1000, "")
	_ = flags.Parse(arguments)
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	maps := config.Host + "/api/v1/namespaces/" + *namespace + "/configmaps"
	targets := []string{maps + "?watch=1", maps, maps + "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", maps + "?limit=1"}
	var running sync.WaitGroup
	turn := make(chan int)
	for range 16 {
		running.Add(1)
		go func() {
			defer running.Done()
			for n := range turn {
				client := shared
				var own *ownConnection
				if n%50 == 0 { // a connection of its own, closed in the middle
					own = &ownConnection{}
					separate := rest.CopyConfig(config)
					separate.Dial = own.dial // client-go keeps no connection for others then
					transport, err := rest.TransportFor(separate)
					if err != nil {
						continue
					}
					client = &http.Client{Transport: transport}
				}
				ctx, cancel := context.WithCancel(context.Background())
				request, _ := http.NewRequestWithContext(ctx, http.MethodGet, targets[n%len(targets)], nil)
				if n%3 == 0 { // sometimes before the answer
					go func() { time.Sleep(time.Duration(n%7) * time.Millisecond); cancel() }()
				}
				if answer, err := client.Do(request); err == nil {
					if n%3 == 1 {
						_, _ = io.ReadFull(answer.Body, make([]byte, 16))
					}
					own.close()
					cancel()
					_ = answer.Body.Close()
				}
				cancel()
				own.close()
			}
		}()
	}
	for n := range *count {
		turn <- n
	}
	close(turn)
	running.Wait()
	return nil
}

// ownConnection is what one request has dialled. Dialling may end after the request was given up.
type ownConnection struct {
	lock   sync.Mutex
	opened []net.Conn
	closed bool
}

func (o *ownConnection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	made, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.closed {
		_ = made.Close()
		return nil, net.ErrClosed
	}
	o.opened = append(o.opened, made)
	return made, nil
}

func (o *ownConnection) close() {
	if o == nil {
		return
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	o.closed = true
	for _, connection := range o.opened {
		_ = connection.Close()
	}
}
