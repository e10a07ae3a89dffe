// SPDX-License-Identifier: Apache-2.0

// Command objects has clients of the hub's own objects as people write them for any Kubernetes API: informers of client-go
// and a reconciler of controller-runtime. Nothing in it knows the hub.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

var clusters = schema.GroupVersionResource{Group: "roadstead.io", Version: "v1alpha1", Resource: "clusters"}

// line is what the program prints of what it sees.
type line struct {
	Event   string `json:"event"` // synced, added, updated, deleted, reconciled, cleaned, error
	Source  string `json:"source,omitempty"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Value   string `json:"value,omitempty"`
}

var printing sync.Mutex

func say(l line) {
	printing.Lock()
	defer printing.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(l)
}

func main() {
	commands := map[string]func(kubeconfig string) error{"informers": informers, "controller": controller}
	if len(os.Args) != 3 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: objects informers|controller KUBECONFIG")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "objects:", err)
		os.Exit(1)
	}
}
