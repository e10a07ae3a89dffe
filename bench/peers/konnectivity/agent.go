// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	peer "sigs.k8s.io/apiserver-network-proxy/pkg/agent"

	"roadstead.io/bench/peers/reverse"
)

func agent(arguments []string) error {
	var identity reverse.Identity
	flags := flag.NewFlagSet("agent", flag.ExitOnError)
	identity.Flags(flags)
	address := flags.String("hub", "", "HOST:PORT")
	name := flags.String("hub-name", "", "the name in the hub side's certificate")
	_ = flags.Parse(arguments)
	config, err := identity.Client(*name)
	if err != nil {
		return err
	}
	settings := peer.ClientSetConfig{
		Address: *address, AgentID: "bench", SyncInterval: time.Second, ProbeInterval: time.Second,
		SyncIntervalCap: 10 * time.Second, XfrChannelSize: queuedPackets, ServerCountSource: "default",
		DialOptions: []grpc.DialOption{
			grpc.WithTransportCredentials(credentials.NewTLS(config)),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, PermitWithoutStream: true}),
		},
	}
	forever := make(chan struct{})
	set := settings.NewAgentClientSet(forever, forever)
	set.SetServerCounter(peer.NewAggregateServerCounter(nil, peer.NewResponseBasedCounter(set), settings.ServerCountSource))
	set.Serve()
	<-forever
	return nil
}
