// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

// The kernel's count of a process's processor time, user and system, all threads, in nanoseconds: what utime + stime of
// /proc/PID/stat show in units of 10 ms.
func cpuNanoseconds(pid int) (int64, error) {
	const perProcessScheduled = 2 // CPUCLOCK_SCHED; clock ids of processes are made as in clock_getcpuclockid(3)
	id := (^pid << 3) | perProcessScheduled
	var t syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, uintptr(id), uintptr(unsafe.Pointer(&t)), 0)
	if errno != 0 {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, errno)
	}
	return t.Nano(), nil
}

// Lets VmHWM count from now on. Needs to own the process.
func resetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func peakBytes(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for _, line := range bytes.Split(status, []byte("\n")) {
		if rest, found := bytes.CutPrefix(line, []byte("VmHWM:")); found {
			kib, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("process %d shows no VmHWM", pid)
}

// account is the accounts of the programs under test, opened at the start of the window.
type account struct {
	processes map[string]int
	began     map[string]int64
	own       int64
}

func openAccount(processes map[string]int) (*account, error) {
	a := &account{processes: processes, began: map[string]int64{}}
	for name, pid := range processes {
		if err := resetPeak(pid); err != nil {
			return nil, err
		}
		now, err := cpuNanoseconds(pid)
		if err != nil {
			return nil, err
		}
		a.began[name] = now
	}
	var err error
	a.own, err = cpuNanoseconds(os.Getpid())
	return a, err
}

func (a *account) close(r *Result) error {
	r.CPU, r.PeakBytes = map[string]float64{}, map[string]int64{}
	for name, pid := range a.processes {
		now, err := cpuNanoseconds(pid)
		if err != nil {
			return fmt.Errorf("%s ended during the measurement: %w", name, err)
		}
		r.CPU[name] = float64(now-a.began[name]) / 1e9
		if r.PeakBytes[name], err = peakBytes(pid); err != nil {
			return err
		}
	}
	own, err := cpuNanoseconds(os.Getpid())
	r.OwnCPU = float64(own-a.own) / 1e9
	return err
}
