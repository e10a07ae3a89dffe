// SPDX-License-Identifier: Apache-2.0

// Command konnectivity is hub and agent side of a cluster as OCM's cluster-proxy connects one: a gRPC stream in mutual TLS
// that the agent side dials.
//
//	konnectivity hub --listen ADDRESS --agents ADDRESS --origin HOST:PORT --front grpc|http-connect ...
//	konnectivity agent --hub HOST:PORT ...
package main

import "roadstead.io/bench/peers/reverse"

// Packets that may wait between two goroutines, for each connection: konnectivity's default is 10 at the hub and 150 at the
// agent, and 10 is known to hold fast connections up.
const queuedPackets = 150

func main() { reverse.Main(hub, agent) }
