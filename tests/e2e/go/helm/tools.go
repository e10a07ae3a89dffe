// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package helm pins the Helm that the end-to-end tests run.
package helm

import _ "helm.sh/helm/v3/cmd/helm"
