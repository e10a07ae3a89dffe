// SPDX-License-Identifier: Apache-2.0

// CoreDNS with only the plug-ins that a test cluster needs. The full program pulls in the clients of every cloud.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"

	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/template"
)

func main() {
	// The order in which a query passes the plug-ins.
	dnsserver.Directives = []string{"errors", "cache", "hosts", "kubernetes", "template"}
	coremain.Run()
}
