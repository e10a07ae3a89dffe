// SPDX-License-Identifier: Apache-2.0

// Command wire is a long path between two network namespaces: it moves IP packets between a TUN device in its own and one in
// another, each packet after a delay and no faster than a rate, and loses some. It works on packets, so a loss meets the
// kernel's own TCP; kernels without netem need nothing else.
//
//	wire --far-pid PID --near-device NAME --far-device NAME --delay 50ms --rate 125000000 --loss 0.001
//
// It prints "ready" when the devices are there, and ends when its standard input does.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	tunFlags     = 0x1001 // IFF_TUN | IFF_NO_PI
	setInterface = 0x400454ca
	newNetwork   = 0x40000000 // CLONE_NEWNET
)

// Opens a TUN device in the thread's network namespace.
func openTUN(name string) (*os.File, error) {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = tunFlags
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), setInterface, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return nil, fmt.Errorf("TUN device %s: %w (root is needed)", name, errno)
	}
	// Blocking, and so without the runtime's poller: one thread reads and one writes each device.
	return os.NewFile(uintptr(fd), name), nil
}

// The same in the network namespace of another process.
func openTUNOf(pid int, name string) (*os.File, error) {
	space, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return nil, err
	}
	defer space.Close()
	type opened struct {
		file *os.File
		err  error
	}
	result := make(chan opened)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread stays in that namespace and ends with this goroutine
		if _, _, errno := syscall.Syscall(sysSetns, space.Fd(), newNetwork, 0); errno != 0 {
			result <- opened{nil, fmt.Errorf("network namespace of process %d: %w", pid, errno)}
			return
		}
		file, err := openTUN(name)
		result <- opened{file, err}
	}()
	r := <-result
	return r.file, r.err
}

func run() error {
	var s shape
	pid := flag.Int("far-pid", 0, "a process in the far network namespace")
	near := flag.String("near-device", "near", "")
	far := flag.String("far-device", "far", "")
	flag.DurationVar(&s.delay, "delay", 50*time.Millisecond, "one way")
	flag.Float64Var(&s.rate, "rate", 125e6, "bytes a second, each way")
	flag.Float64Var(&s.loss, "loss", 0, "share of packets that are lost, each way")
	flag.DurationVar(&s.buffer, "buffer", 50*time.Millisecond, "how long a packet may wait for the link before it is dropped")
	flag.Parse()
	a, err := openTUN(*near)
	if err != nil {
		return err
	}
	b, err := openTUNOf(*pid, *far)
	if err != nil {
		return err
	}
	there, back := newDirection(s, 1), newDirection(s, 2)
	for _, move := range []func(){
		func() { there.read(a) }, func() { there.write(b) }, func() { back.read(b) }, func() { back.write(a) },
	} {
		go move()
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	fmt.Printf("{\"passed\":[%d,%d],\"lost\":[%d,%d],\"dropped\":[%d,%d]}\n",
		there.passed.Load(), back.passed.Load(), there.lost.Load(), back.lost.Load(), there.dropped.Load(), back.dropped.Load())
	return err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}
