// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"sigs.k8s.io/apiserver-network-proxy/konnectivity-client/pkg/client"
	front "sigs.k8s.io/apiserver-network-proxy/konnectivity-client/proto/client"
	"sigs.k8s.io/apiserver-network-proxy/pkg/server"
	"sigs.k8s.io/apiserver-network-proxy/pkg/server/proxystrategies"
	back "sigs.k8s.io/apiserver-network-proxy/proto/agent"

	"roadstead.io/bench/peers/reverse"
)

// The reverse proxy and konnectivity's server are one process. They speak through a socket file without TLS, which is the
// cheapest of konnectivity's own ways; OCM has two processes and TLS in between.
func hub(arguments []string) error {
	var proxy reverse.Proxy
	flags := flag.NewFlagSet("hub", flag.ExitOnError)
	proxy.Flags(flags)
	mode := flags.String("front", "grpc", "grpc or http-connect: how the reverse proxy asks for a connection")
	file := flags.String("front-socket", "", "path of a socket that does not exist yet")
	_ = flags.Parse(arguments)
	fronts := map[string]func(*server.ProxyServer, net.Listener) (func() error, reverse.Dial){
		"grpc": grpcFront, "http-connect": connectFront,
	}
	open, known := fronts[*mode]
	if !known {
		return fmt.Errorf("--front %s: grpc and http-connect are known", *mode)
	}
	peer := server.NewProxyServer(
		"bench", []proxystrategies.ProxyStrategy{proxystrategies.ProxyStrategyDefault}, 1,
		&server.AgentTokenAuthenticationOptions{}, queuedPackets)
	socket, err := net.Listen("unix", *file)
	if err != nil {
		return err
	}
	serve, dial := open(peer, socket)
	ended := make(chan error, 3)
	go func() { ended <- serve() }()
	go func() { ended <- serveAgents(peer, &proxy) }()
	go func() { ended <- proxy.Serve(dial) }()
	return <-ended
}

func serveAgents(peer *server.ProxyServer, proxy *reverse.Proxy) error {
	config, err := proxy.Server("h2")
	if err != nil {
		return err
	}
	agents := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(config)),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}))
	back.RegisterAgentServiceServer(agents, peer)
	socket, err := net.Listen("tcp", proxy.Agents)
	if err != nil {
		return err
	}
	return agents.Serve(socket)
}

// Each connection has a gRPC connection of its own: the client library's tunnels are for one use.
func grpcFront(peer *server.ProxyServer, socket net.Listener) (func() error, reverse.Dial) {
	fronts := grpc.NewServer()
	front.RegisterProxyServiceServer(fronts, peer)
	target := "unix:" + socket.Addr().String()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		// The tunnel outlives the request that asked for it.
		tunnel, err := client.CreateSingleUseGrpcTunnelWithContext(
			ctx, context.WithoutCancel(ctx), target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		return tunnel.DialContext(ctx, network, address)
	}
	return func() error { return fronts.Serve(socket) }, dial
}

func connectFront(peer *server.ProxyServer, socket net.Listener) (func() error, reverse.Dial) {
	fronts := &http.Server{Handler: &server.Tunnel{Server: peer}, ReadHeaderTimeout: time.Minute}
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket.Addr().String())
		if err != nil {
			return nil, err
		}
		through, err := connect(conn, address)
		if err != nil {
			conn.Close()
		}
		return through, err
	}
	return func() error { return fronts.Serve(socket) }, dial
}

const connectPatience = 20 * time.Second

func connect(conn net.Conn, address string) (net.Conn, error) {
	err := conn.SetDeadline(time.Now().Add(connectPatience))
	if err == nil {
		_, err = fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address)
	}
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != 200 {
		return nil, fmt.Errorf("CONNECT %s: %s", address, answer.Status)
	}
	if in.Buffered() > 0 {
		return nil, fmt.Errorf("CONNECT %s: bytes before the first of ours", address)
	}
	return conn, conn.SetDeadline(time.Time{})
}
