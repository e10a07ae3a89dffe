// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const (
	finalizer = "example.com/inventory"
	wanted    = "example.com/wanted-tier" // annotation: the label `tier` that the object shall have
)

// inventory gives each annotated Cluster its label and holds a finalizer on it; it lets go when the Cluster is deleted.
type inventory struct{ client.Client }

func newCluster(name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion("roadstead.io/v1alpha1")
	u.SetKind("Cluster")
	u.SetName(name)
	return u
}

func (r *inventory) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	cluster := newCluster("")
	if err := r.Get(ctx, request.NamespacedName, cluster); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	tier := cluster.GetAnnotations()[wanted]
	if cluster.GetDeletionTimestamp() != nil {
		if controllerutil.RemoveFinalizer(cluster, finalizer) {
			if err := r.Update(ctx, cluster); err != nil {
				return ctrl.Result{}, client.IgnoreNotFound(err)
			}
			say(line{Event: "cleaned", Name: cluster.GetName()})
		}
		return ctrl.Result{}, nil
	}
	if tier == "" {
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(cluster, finalizer) {
		if err := r.Update(ctx, cluster); err != nil {
			return ctrl.Result{}, err
		}
	}
	if cluster.GetLabels()["tier"] == tier {
		say(line{Event: "reconciled", Name: cluster.GetName(), Value: tier})
		return ctrl.Result{}, nil
	}
	mine := newCluster(cluster.GetName())
	mine.SetLabels(map[string]string{"tier": tier})
	mine.Object["spec"] = map[string]any{}
	apply := client.ApplyConfigurationFromUnstructured(mine)
	return ctrl.Result{}, r.Apply(ctx, apply, client.FieldOwner("inventory"), client.ForceOwnership)
}

func controller(kubeconfig string) error {
	log.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{Metrics: metrics.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	if err := ctrl.NewControllerManagedBy(manager).For(newCluster("")).Complete(&inventory{manager.GetClient()}); err != nil {
		return err
	}
	go func() {
		if manager.GetCache().WaitForCacheSync(context.Background()) {
			say(line{Event: "synced"})
		}
	}()
	return manager.Start(ctrl.SetupSignalHandler())
}
