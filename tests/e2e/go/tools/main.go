// SPDX-License-Identifier: Apache-2.0

// Command tools has the parts of the end-to-end tests that want client-go, or a static program in a pod.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"abort": abort, "aggregated": aggregated, "informer": informer, "load": load, "origin": origin,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: tools abort|aggregated|informer|load|origin [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "tools:", err)
		os.Exit(1)
	}
}
