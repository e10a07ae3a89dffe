// SPDX-License-Identifier: Apache-2.0
// Generated from api/kinds by ./dev docs; do not edit.

/** Metadata that all objects have; see Kubernetes' API conventions. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: "Apply" | "Update";
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

export interface ListMeta {
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

/**
 * Cluster is a Kubernetes cluster that is registered at this hub, or is about to be. The name of
 * the object is also the first part of the cluster's host name at the hub, so it must be a DNS
 * label. Creating a Cluster reserves the name and nothing else; apply the manifest of its
 * registration in the member cluster to connect it.
 */
export interface Cluster {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "Cluster";
  metadata: ObjectMeta;
  spec: ClusterSpec;
  status?: ClusterStatus;
}

export interface ClusterList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "ClusterList";
  metadata: ListMeta;
  items: Cluster[];
}

/** What the owner of the cluster wants. */
export interface ClusterSpec {
  /** A name for people. May hold any characters; need not be unique. */
  displayName?: string;
  /** What the cluster is for, in a sentence or two. */
  description?: string;
  /** Who runs the cluster, in a word of your own choice. Shown and searched, never interpreted. */
  provider?: string;
  /**
   * When true, the hub refuses all requests of users to this cluster. The tunnel stays up, and the
   * state of the cluster is still shown.
   */
  paused?: boolean;
  /** How the Agent runs in the member cluster. */
  agent?: {
    /**
     * Where nodes pull the Agent's image from, without a tag. Leave it out to pull from this hub.
     */
    imageRepository?: string;
    /**
     * How many Agents run in the member cluster. All of them carry requests. With one, the cluster
     * is unreachable while that Agent is replaced.
     */
    replicas?: number;
  };
}

/** What the hub has seen of the cluster. */
export interface ClusterStatus {
  /**
   * A summary of the conditions. Pending: no Agent has called yet. Registering: an Agent has called
   * and is not ready yet. Running: requests reach the API server. Unreachable: the cluster was
   * connected and is not now; what is shown is old. Removing: the cluster is being removed. Failed:
   * someone must act; the conditions say what.
   */
  phase?: "Pending" | "Registering" | "Running" | "Unreachable" | "Removing" | "Failed";
  /**
   * The steps from registration to a working connection, each with what was seen and what to do
   * about it.
   */
  conditions?: {
    /** What the condition is about, in CamelCase. */
    type: string;
    /** Whether the condition holds. */
    status: "True" | "False" | "Unknown";
    /** The metadata.generation that this condition was set for. */
    observedGeneration?: number;
    /** When the status of the condition last changed. */
    lastTransitionTime: string;
    /** A stable code for programs, in CamelCase. */
    reason: string;
    /** The same for people, in a sentence. */
    message: string;
    /** What was seen that led to this, such as an error or an address. */
    evidence?: string;
    /** What to do to make the condition good, in words or as a command. */
    fix?: string;
  }[];
  /** The member's version, as its API server tells it. */
  kubernetesVersion?: string;
  /** Operating system and architecture of the member's API server. */
  platform?: string;
  /**
   * SHA-256 of the CA of the member's API server. All Agents of a cluster must report the same one.
   */
  apiServerCAFingerprint?: string;
  /** UID of the kube-system namespace, which tells clusters apart. */
  clusterUID?: string;
  /** The Agents that are connected, or were when last seen. */
  agents?: {
    /** Name of the Agent, as a rule that of its pod. */
    replica: string;
    /** Version of the Agent. */
    version?: string;
    /** The address that the hub sees the Agent come from. */
    remoteAddress?: string;
    /** When the Agent's oldest live lane was opened. */
    connectedAt?: string;
    /** When the Agent's certificate expires. It is renewed well before. */
    certificateNotAfter?: string;
    /** How many lanes the Agent holds open. */
    lanes?: number;
  }[];
  /** When an Agent of the cluster first got its certificate. */
  registeredAt?: string;
  /** When the hub last heard from the cluster. Everything else in the status is as old as this. */
  lastSeen?: string;
}

/**
 * Credential asks the hub for a client certificate: the request goes in, the certificate comes out
 * in the status. The private key never leaves the machine it was made on.
 */
export interface Credential {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "Credential";
  metadata: ObjectMeta;
  spec: CredentialSpec;
  status?: CredentialStatus;
}

export interface CredentialList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "CredentialList";
  metadata: ListMeta;
  items: Credential[];
}

/** What is asked for. Only revoked may be changed later, and only to true. */
export interface CredentialSpec {
  /** Name of the User that the certificate is for. */
  username: string;
  /**
   * A certificate signing request (PKCS#10) in PEM, encoded in base64. Only its public key and its
   * proof of possession are used; names in it are ignored.
   */
  request: string;
  /**
   * How long the certificate should be valid, from ten minutes to thirty days. The hub may issue a
   * shorter one.
   */
  expirationSeconds?: number;
  /** What the certificate is good for. User: log in as that user. */
  usage?: "User";
  /**
   * Set to true to take the credential back. It is refused within a second, and open streams of it
   * end. This cannot be undone.
   */
  revoked?: boolean;
}

/** What the hub made of the request. */
export interface CredentialStatus {
  /** The certificate and its chain in PEM, encoded in base64. */
  certificate?: string;
  /** Serial number of the certificate, in hexadecimal. */
  serial?: string;
  /** SHA-256 of the certificate, in hexadecimal. */
  fingerprint?: string;
  /** The name of the user in member clusters. */
  memberUser?: string;
  /** The user's groups in member clusters, as far as the clusters let them. */
  memberGroups?: string[];
  /** From when on the certificate is valid. */
  notBefore?: string;
  /** Until when the certificate is valid. */
  notAfter?: string;
  /**
   * Approved: a certificate was issued. Failed: none was, and the message says why. Revoked: the
   * credential was taken back.
   */
  conditions?: {
    /** What the condition is about, in CamelCase. */
    type: string;
    /** Whether the condition holds. */
    status: "True" | "False" | "Unknown";
    /** The metadata.generation that this condition was set for. */
    observedGeneration?: number;
    /** When the status of the condition last changed. */
    lastTransitionTime: string;
    /** A stable code for programs, in CamelCase. */
    reason: string;
    /** The same for people, in a sentence. */
    message: string;
    /** What was seen that led to this, such as an error or an address. */
    evidence?: string;
    /** What to do to make the condition good, in words or as a command. */
    fix?: string;
  }[];
}

/**
 * User is a person who may log in at this hub. The name of the object is the login name. Passwords
 * and codes are never part of the object.
 */
export interface User {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "User";
  metadata: ObjectMeta;
  spec: UserSpec;
  status?: UserStatus;
}

export interface UserList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "UserList";
  metadata: ListMeta;
  items: User[];
}

/** Who the user is and what the hub lets them do. */
export interface UserSpec {
  /** The person's name, as shown to others. */
  displayName?: string;
  /**
   * When true, the user may do everything at the hub. Other users may use clusters and their own
   * objects.
   */
  administrator?: boolean;
  /**
   * Groups the user belongs to at the hub. In a member cluster they are rs:group:NAME:ID, as
   * status.memberGroups of the user's credentials says, and count where the cluster lets its Agent
   * impersonate them. A group that is taken away ends at once, one that is given comes with the
   * next certificate.
   */
  groups?: string[];
  /** When true, the user cannot log in, and every credential of theirs is refused at once. */
  disabled?: boolean;
}

/** What the hub knows about the user. */
export interface UserStatus {
  /** When the user last got a credential. */
  lastLogin?: string;
  /** The state of the user's account. */
  conditions?: {
    /** What the condition is about, in CamelCase. */
    type: string;
    /** Whether the condition holds. */
    status: "True" | "False" | "Unknown";
    /** The metadata.generation that this condition was set for. */
    observedGeneration?: number;
    /** When the status of the condition last changed. */
    lastTransitionTime: string;
    /** A stable code for programs, in CamelCase. */
    reason: string;
    /** The same for people, in a sentence. */
    message: string;
    /** What was seen that led to this, such as an error or an address. */
    evidence?: string;
    /** What to do to make the condition good, in words or as a command. */
    fix?: string;
  }[];
}
