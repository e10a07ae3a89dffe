// SPDX-License-Identifier: Apache-2.0

// Command remotedialer is hub and agent side of a cluster as Rancher connects one: a WebSocket in TLS that the agent side
// dials, and the library's sessions in it.
//
//	remotedialer hub --listen ADDRESS --agents ADDRESS --origin HOST:PORT ...
//	remotedialer agent --hub HOST:PORT ...
package main

import (
	"context"
	"flag"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	rd "github.com/rancher/remotedialer"
	"github.com/sirupsen/logrus"

	"roadstead.io/bench/peers/reverse"
)

const (
	path    = "/connect"
	cluster = "bench"
	// Larger than a message of the library, so that one is one write and one TLS record where it fits.
	bufferBytes = 64 << 10
)

func main() {
	logrus.SetLevel(logrus.WarnLevel)
	reverse.Main(hub, agent)
}

func hub(arguments []string) error {
	var proxy reverse.Proxy
	flags := flag.NewFlagSet("hub", flag.ExitOnError)
	proxy.Flags(flags)
	_ = flags.Parse(arguments)
	// The certificate is the agent side's credential; the library asks for a name only.
	server := rd.New(func(*http.Request) (string, bool, error) { return cluster, true, nil }, rd.DefaultErrorWriter)
	config, err := proxy.Server("http/1.1")
	if err != nil {
		return err
	}
	socket, err := net.Listen("tcp", proxy.Agents)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(path, server)
	agents := &http.Server{Handler: mux, TLSConfig: config, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 2)
	go func() { ended <- agents.ServeTLS(socket, "", "") }()
	go func() { ended <- proxy.Serve(reverse.Dial(server.Dialer(cluster))) }()
	return <-ended
}

func agent(arguments []string) error {
	var identity reverse.Identity
	flags := flag.NewFlagSet("agent", flag.ExitOnError)
	identity.Flags(flags)
	address := flags.String("hub", "", "HOST:PORT")
	name := flags.String("hub-name", "", "the name in the hub side's certificate")
	_ = flags.Parse(arguments)
	config, err := identity.Client(*name, "http/1.1")
	if err != nil {
		return err
	}
	dialer := &websocket.Dialer{
		TLSClientConfig: config, HandshakeTimeout: rd.HandshakeTimeOut, ReadBufferSize: bufferBytes, WriteBufferSize: bufferBytes,
	}
	allowed := func(string, string) bool { return true }
	for {
		err := rd.ConnectToProxy(context.Background(), "wss://"+*address+path, nil, allowed, dialer, nil)
		logrus.WithError(err).Warn("the tunnel ended; dials again")
		time.Sleep(time.Second)
	}
}
