// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// informers keeps a dynamic informer on all Clusters, one on those with a label, and one on their metadata alone.
func informers(kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	metadatas, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	labelled := func(o *metav1.ListOptions) { o.LabelSelector = "env=prod" }
	return follow(map[string]cache.SharedIndexInformer{
		"all":      dynamicinformer.NewDynamicSharedInformerFactory(objects, 0).ForResource(clusters).Informer(),
		"labelled": dynamicinformer.NewFilteredDynamicSharedInformerFactory(objects, 0, "", labelled).ForResource(clusters).Informer(),
		"metadata": metadatainformer.NewSharedInformerFactory(metadatas, 0).ForResource(clusters).Informer(),
	})
}

func follow(all map[string]cache.SharedIndexInformer) error {
	ctx := context.Background()
	for source, informer := range all {
		report := func(event string) func(any) {
			return func(object any) {
				if last, gone := object.(cache.DeletedFinalStateUnknown); gone {
					object = last.Obj
				}
				if m, err := meta.Accessor(object); err == nil {
					say(line{Event: event, Source: source, Name: m.GetName(), Version: m.GetResourceVersion()})
				}
			}
		}
		updated := report("updated")
		_ = informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) {
			say(line{Event: "error", Source: source, Value: err.Error()})
		})
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: report("added"), UpdateFunc: func(_, o any) { updated(o) }, DeleteFunc: report("deleted"),
		}); err != nil {
			return err
		}
		go informer.Run(ctx.Done())
	}
	for source, informer := range all {
		cache.WaitForCacheSync(ctx.Done(), informer.HasSynced)
		say(line{Event: "synced", Source: source})
	}
	<-ctx.Done()
	return nil
}
