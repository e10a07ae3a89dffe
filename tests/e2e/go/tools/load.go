// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// request is a line of load's output: one for each request.
type request struct {
	At     float64 `json:"at"` // seconds since the start of the load
	Millis float64 `json:"ms"`
	Write  string  `json:"write,omitempty"` // name of the ConfigMap that was to be created
	Error  string  `json:"error,omitempty"`
}

// A ConfigMap that each namespace has.
const read = "kube-root-ca.crt"

// load sends requests at a fixed rate with client-go, as an ordinary program would, and prints what became of each.
// Every fifth request may be a write. Requests start on time whether or not earlier ones have ended.
func load(arguments []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "")
	namespace := flags.String("namespace", "default", "")
	rate := flags.Int("rate", 200, "requests per second")
	duration := flags.Duration("duration", 5*time.Second, "")
	writes := flags.Int("write-every", 0, "every n-th request creates a ConfigMap; 0: none does")
	prefix := flags.String("prefix", "load", "of the names of what is created")
	_ = flags.Parse(arguments)
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	config.Timeout = 30 * time.Second
	config.UserAgent = "load" // by which the audit log tells its writes
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	maps := client.CoreV1().ConfigMaps(*namespace)
	// Before the clock starts: a connection, and what is read, which a new namespace gets a moment later.
	patience, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	for {
		if _, err = maps.Get(patience, read, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	var lock sync.Mutex
	output := json.NewEncoder(os.Stdout)
	fmt.Println("started")
	began := time.Now()
	var running sync.WaitGroup
	for n := 0; time.Since(began) < *duration; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(*rate))))
		running.Add(1)
		go func() {
			defer running.Done()
			one := request{}
			start := time.Now()
			var err error
			if *writes > 0 && n%*writes == 0 {
				one.Write = fmt.Sprintf("%s-%06d", *prefix, n)
				object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: one.Write}}
				_, err = maps.Create(context.Background(), object, metav1.CreateOptions{})
			} else {
				_, err = maps.Get(context.Background(), read, metav1.GetOptions{})
			}
			one.At, one.Millis = start.Sub(began).Seconds(), float64(time.Since(start).Microseconds())/1000
			if err != nil {
				one.Error = err.Error()
			}
			lock.Lock()
			defer lock.Unlock()
			_ = output.Encode(one)
		}()
	}
	running.Wait()
	return nil
}
