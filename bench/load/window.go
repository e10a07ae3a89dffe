// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// window is the time in which things count. Workers ask it; it opens after the warm-up and closes by itself.
type window struct {
	begun atomic.Int64 // connections or streams that have had their first answer
	open  atomic.Bool
	over  atomic.Bool
}

// tally is one worker's share; merged after the end, so it needs no lock.
type tally struct {
	done     int
	failures int
	resumed  int
	first    error
	bytes    int64
	delays   []time.Duration
}

func (t *tally) fail(err error) {
	t.failures++
	if t.first == nil {
		t.first = err
	}
}

func merge(tallies []*tally) Result {
	var r Result
	var delays []time.Duration
	for _, t := range tallies {
		r.Done += t.done
		r.Failures += t.failures
		r.Resumed += t.resumed
		r.Bytes += t.bytes
		delays = append(delays, t.delays...)
		if t.first != nil && r.FirstError == "" {
			r.FirstError = t.first.Error()
		}
	}
	slices.Sort(delays)
	r.P50, r.P99 = quantile(delays, 0.50), quantile(delays, 0.99)
	return r
}

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	index := int(math.Ceil(q*float64(len(sorted)))) - 1
	return float64(sorted[max(index, 0)]) / 1e3
}

// worker runs until the window is over. `end` is called once at that time and must make it return, if it may be blocked.
type worker struct {
	run func(w *window, t *tally)
	end func()
}

const patience = 20 * time.Second

// Runs the workers through warm-up, which starts when `expected` first answers are there, and window. Accounts are read
// at both ends of the window.
func observe(spec *Spec, workers []worker, expected int) (Result, error) {
	var w window
	var group sync.WaitGroup
	tallies := make([]*tally, len(workers))
	for i, each := range workers {
		tallies[i] = &tally{}
		group.Go(func() { each.run(&w, tallies[i]) })
	}
	for limit := time.Now().Add(patience); w.begun.Load() < int64(expected); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			return Result{}, fmt.Errorf("%s: %d of %d first answers after %v", spec.Kind, w.begun.Load(), expected, patience)
		}
	}
	time.Sleep(seconds(spec.Warmup))
	books, err := openAccount(spec.Processes)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	w.open.Store(true)
	time.Sleep(seconds(spec.Seconds))
	w.open.Store(false)
	elapsed := time.Since(began)
	var accounts Result
	if err := books.close(&accounts); err != nil {
		return Result{}, err
	}
	w.over.Store(true)
	for _, each := range workers {
		if each.end != nil {
			each.end()
		}
	}
	ended := make(chan struct{})
	go func() { group.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		return Result{}, fmt.Errorf("%s: workers hang after the end of the window", spec.Kind)
	}
	r := merge(tallies)
	r.Seconds = elapsed.Seconds()
	r.CPU, r.PeakBytes, r.OwnCPU = accounts.CPU, accounts.PeakBytes, accounts.OwnCPU
	return r, nil
}

// Runs workers that end by themselves. Everything counts.
func runOut(workers []worker) Result {
	var w window
	var group sync.WaitGroup
	w.open.Store(true)
	tallies := make([]*tally, len(workers))
	for i, each := range workers {
		tallies[i] = &tally{}
		group.Go(func() { each.run(&w, tallies[i]) })
	}
	group.Wait()
	for _, each := range workers {
		each.end()
	}
	return merge(tallies)
}
