// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// seen is a line of informer's output.
type seen struct {
	Event string `json:"event"` // synced, added, updated, deleted, list, watch, error
	Name  string `json:"name,omitempty"`
	Value string `json:"value,omitempty"`
}

// informer keeps a client-go informer on the ConfigMaps of a namespace and prints what it sees, among it how often it
// had to list and to watch anew, and every error of its reflector.
func informer(arguments []string) error {
	flags := flag.NewFlagSet("informer", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "")
	namespace := flags.String("namespace", "default", "")
	contentType := flags.String("content-type", runtime.ContentTypeProtobuf, "")
	_ = flags.Parse(arguments)
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.ContentType = *contentType
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var lock sync.Mutex
	output := json.NewEncoder(os.Stdout)
	say := func(s seen) {
		lock.Lock()
		defer lock.Unlock()
		_ = output.Encode(s)
	}
	maps := client.CoreV1().ConfigMaps(*namespace)
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			say(seen{Event: "list"})
			return maps.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			say(seen{Event: "watch", Value: o.ResourceVersion})
			return maps.Watch(ctx, o)
		},
	}
	shared := cache.NewSharedInformer(source, &corev1.ConfigMap{}, 0)
	_ = shared.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { say(seen{Event: "error", Value: err.Error()}) })
	report := func(event string, object any) {
		if m, ok := object.(*corev1.ConfigMap); ok {
			say(seen{Event: event, Name: m.Name, Value: m.Data["n"]})
		}
	}
	if _, err = shared.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { report("added", o) },
		UpdateFunc: func(_, o any) { report("updated", o) },
		DeleteFunc: func(o any) { report("deleted", o) },
	}); err != nil {
		return err
	}
	stop := make(chan struct{})
	go shared.Run(stop)
	if cache.WaitForCacheSync(stop, shared.HasSynced) {
		say(seen{Event: "synced"})
	}
	select {}
}
