// SPDX-License-Identifier: Apache-2.0

package reverse

import (
	"fmt"
	"os"
	"path/filepath"
)

// Main runs the side that the first argument names.
func Main(hub, agent func(arguments []string) error) {
	name := filepath.Base(os.Args[0])
	sides := map[string]func([]string) error{"hub": hub, "agent": agent}
	if len(os.Args) < 2 || sides[os.Args[1]] == nil {
		fmt.Fprintf(os.Stderr, "usage: %s hub|agent [flags]\n", name)
		os.Exit(2)
	}
	if err := sides[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
