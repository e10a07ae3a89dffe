// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package validate pins the kubectl-validate that the end-to-end tests run.
package validate

import _ "sigs.k8s.io/kubectl-validate"
