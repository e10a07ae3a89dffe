// SPDX-License-Identifier: Apache-2.0

// Command load is both ends of the benchmarks: an HTTPS origin that looks like an API server on the data path, and a load
// generator that drives one path at a time and reads the processor time of the programs under test around its measured
// window.
//
//	load origin --listen 127.0.0.1:0 ...   serves until its standard input ends
//	load run < spec.json > result.json     one measurement
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: load origin|run"))
	}
	switch os.Args[1] {
	case "origin":
		fail(runOrigin(os.Args[2:]))
	case "run":
		var spec Spec
		decoder := json.NewDecoder(os.Stdin)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&spec); err != nil {
			fail(fmt.Errorf("the specification on standard input: %w", err))
		}
		result, err := measure(spec)
		fail(err)
		fail(json.NewEncoder(os.Stdout).Encode(result))
	default:
		fail(fmt.Errorf("there is no command %q", os.Args[1]))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
