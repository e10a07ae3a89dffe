// SPDX-License-Identifier: Apache-2.0
// Generated from api by ./dev docs; do not edit.

import type { ListMeta, ObjectMeta } from "./meta.v1";

/**
 * Namespace is a scope for names at this hub. An object of a namespaced kind belongs to one and
 * goes with it.
 */
export interface Namespace {
  apiVersion: "v1";
  kind: "Namespace";
  metadata: ObjectMeta;
  spec?: NamespaceSpec;
  status?: NamespaceStatus;
}

export interface NamespaceList {
  apiVersion: "v1";
  kind: "NamespaceList";
  metadata: ListMeta;
  items: Namespace[];
}

/** Who still has to agree before the namespace may go. */
export interface NamespaceSpec {
  /**
   * A namespace that is being deleted goes when this list is empty. It begins with kubernetes,
   * which is taken away when the namespace holds no objects.
   */
  finalizers?: string[];
}

/** What the hub knows about the namespace. */
export interface NamespaceStatus {
  /** Active, or Terminating while the namespace is being deleted. */
  phase?: "Active" | "Terminating";
  /** What keeps a namespace that is being deleted. */
  conditions?: {
    /** What the condition is about. */
    type: string;
    /** True, False or Unknown. */
    status: string;
    /** When the status of the condition last changed. */
    lastTransitionTime?: string;
    /** A stable code for programs, in CamelCase. */
    reason?: string;
    /** The same for people. */
    message?: string;
  }[];
}
