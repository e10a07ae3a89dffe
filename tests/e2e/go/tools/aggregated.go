// SPDX-License-Identifier: Apache-2.0

package main

import (
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// aggregated is an API server of its own, which Kubernetes reaches through an APIService: the group shop.test with
// fishes. It has what a proxy may break: a media type and fields nobody knows, compression, a watch, and an
// echo of the caller.
func aggregated(_ []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "shop"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"shop"},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	const base = "/apis/shop.test/v1"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "shop.test/v1",
			"resources": []any{map[string]any{
				"name": "fishes", "singularName": "fish", "kind": "Fish", "namespaced": false, "verbs": []string{"get", "list", "watch", "create"},
			}},
		})
	})
	mux.HandleFunc("GET "+base+"/fishes", fishes)
	mux.HandleFunc("POST "+base+"/fishes", func(w http.ResponseWriter, r *http.Request) {
		digest := sha256.New()
		count, _ := io.Copy(digest, r.Body)
		w.Header().Set("X-Input", fmt.Sprintf("%d %x %s", count, digest.Sum(nil), r.Header.Get("Content-Type")))
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(fish("new"))
	})
	mux.HandleFunc("GET "+base+"/fishes/{name}", func(w http.ResponseWriter, r *http.Request) { answer(w, fish(r.PathValue("name"))) })
	mux.HandleFunc("GET "+base+"/fishes/{name}/caller", func(w http.ResponseWriter, r *http.Request) { answer(w, r.Header) })
	mux.HandleFunc("GET "+base+"/fishes/{name}/odd", odd)
	server := &http.Server{
		Addr: ":8443", Handler: mux,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}},
	}
	return server.ListenAndServeTLS("", "")
}

func answer(w http.ResponseWriter, object any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(object)
}

func fish(name string) map[string]any {
	return map[string]any{
		"apiVersion": "shop.test/v1", "kind": "Fish",
		"metadata": map[string]any{"name": name, "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"},
	}
}

func fishes(w http.ResponseWriter, r *http.Request) {
	names := []string{"cod", "herring", "pike"}
	if r.URL.Query().Get("watch") == "" {
		items := []any{}
		for _, name := range names {
			items = append(items, fish(name))
		}
		answer(w, map[string]any{
			"apiVersion": "shop.test/v1", "kind": "FishList", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
		return
	}
	w.Header().Set("Content-Type", "application/json;stream=watch")
	for _, name := range names {
		_ = json.NewEncoder(w).Encode(map[string]any{"type": "ADDED", "object": fish(name)})
		_ = http.NewResponseController(w).Flush()
		time.Sleep(300 * time.Millisecond)
	}
}

// odd answers in a media type of its own and with fields that mean nothing to anybody between.
func odd(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Accept")+"; odd=\"1, 2\"")
	w.Header().Set("X-Fish", "Dorsch; ähnlich")
	w.Header().Set("ETag", `W/"fish-1"`)
	w.Header().Set("Warning", `299 - "this fish is old"`)
	w.Header().Add("X-Twice", "one")
	w.Header().Add("X-Twice", "two")
	text := strings.Repeat("\x00\xff fish ", 50_000)
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		_, _ = io.WriteString(packed, text)
		_ = packed.Close()
		return
	}
	_, _ = io.WriteString(w, text)
}
