// SPDX-License-Identifier: Apache-2.0
// Generated from api by ./dev docs; do not edit.

import type { ListMeta, ObjectMeta } from "./meta.v1";

/**
 * AccessGrant says what somebody is to be allowed in a member cluster: a ClusterRole of that
 * cluster, everywhere or in some namespaces. The hub keeps it and writes nothing to the member;
 * rights there are given with RBAC objects of the member itself, for the names in status.memberUser
 * and status.memberGroups of a Credential.
 */
export interface AccessGrant {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "AccessGrant";
  metadata: ObjectMeta;
  spec: AccessGrantSpec;
  status?: AccessGrantStatus;
}

export interface AccessGrantList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "AccessGrantList";
  metadata: ListMeta;
  items: AccessGrant[];
}

/** Who is to be allowed what, and where. */
export interface AccessGrantSpec {
  /** Name of the Cluster. */
  cluster: string;
  /** Who is to get the rights. */
  subject: {
    /** What kind of object it is. */
    kind: "User" | "UserGroup" | "ServiceIdentity";
    /** Its name. */
    name: string;
  };
  /** Name of a ClusterRole in the member cluster. */
  role: string;
  /**
   * The namespaces of the member cluster where the role counts. Without any it counts in the whole
   * cluster.
   */
  namespaces?: string[];
  /** When the rights are to end. Without it they are to stay. */
  expiresAt?: string;
  /** Why they are given, for people who review them. */
  reason?: string;
}

/** What is known about the rights in the member cluster. */
export interface AccessGrantStatus {
  /** Applied: the member cluster has the rights. No part of the hub sets it. */
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
 * Operation is a piece of work that takes a while, with its steps and its progress. Who does the
 * work makes the object and reports in its status. No part of the hub makes operations; other
 * programs may keep theirs here.
 */
export interface Operation {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "Operation";
  metadata: ObjectMeta;
  spec: OperationSpec;
  status?: OperationStatus;
}

export interface OperationList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "OperationList";
  metadata: ListMeta;
  items: Operation[];
}

/** What is to be done. */
export interface OperationSpec {
  /** What is done, as a word in CamelCase. */
  type: string;
  /** The object of the hub that it is done to. */
  target?: {
    /** Its kind. */
    kind: string;
    /** Its name. */
    name: string;
    /** Its namespace, if its kind has one. */
    namespace?: string;
  };
  /** Name of the principal who asked for it. */
  requestedBy?: string;
  /** Set to true to ask whoever does the work to stop. */
  cancel?: boolean;
}

/** How far the work is. */
export interface OperationStatus {
  /** Where the work stands. */
  state?: "Pending" | "Running" | "Succeeded" | "Failed" | "Cancelled";
  /** How much of it is done, in percent. */
  progress?: number;
  /** What it does now, or how it ended. */
  message?: string;
  /** When the work began. */
  startedAt?: string;
  /** When the work ended. */
  finishedAt?: string;
  /** The steps of the work, in order. */
  steps?: {
    /** What the step is called. */
    name: string;
    /** Where the step stands. */
    state: "Pending" | "Running" | "Succeeded" | "Failed" | "Skipped";
    /** What it does now, or how it ended. */
    message?: string;
    /** When the step began. */
    startedAt?: string;
    /** When the step ended. */
    finishedAt?: string;
  }[];
  /** Succeeded: True or False once the work has ended. */
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
 * Policy is a document of statements that allow or deny actions. The hub keeps and validates
 * policies; it does not judge requests by them: what somebody may do at the hub follows from
 * spec.administrator of the User alone.
 */
export interface Policy {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "Policy";
  metadata: ObjectMeta;
  spec: PolicySpec;
}

export interface PolicyList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "PolicyList";
  metadata: ListMeta;
  items: Policy[];
}

/** What the policy says. */
export interface PolicySpec {
  /** What the policy is for, in a sentence. */
  description?: string;
  /**
   * The statements. One that denies counts more than any that allow; what no statement names is not
   * allowed.
   */
  statements: {
    /** Whether the statement allows or denies. */
    effect: "Allow" | "Deny";
    /**
     * The actions that it is about, such as clusters:Get. An asterisk stands for any text, a
     * question mark for one character.
     */
    actions?: string[];
    /** Every action but these. Either actions or notActions is given. */
    notActions?: string[];
    /** The objects that it is about, by patterns of the same form. */
    resources: string[];
    /**
     * When the statement counts: operator, key, values. One of the values of a key must fit; all
     * keys and all operators must.
     */
    condition?: {
      /** Keys and the values to compare them with: text. */
      StringEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: text. */
      StringNotEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: text. */
      StringEqualsIgnoreCase?: Record<string, string[]>;
      /** Keys and the values to compare them with: text. */
      StringNotEqualsIgnoreCase?: Record<string, string[]>;
      /** Keys and the values to compare them with: text. */
      StringLike?: Record<string, string[]>;
      /** Keys and the values to compare them with: text. */
      StringNotLike?: Record<string, string[]>;
      /** Keys and the values to compare them with: numbers. */
      NumericEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: numbers. */
      NumericNotEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: numbers. */
      NumericLessThan?: Record<string, string[]>;
      /** Keys and the values to compare them with: numbers. */
      NumericLessThanEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: numbers. */
      NumericGreaterThan?: Record<string, string[]>;
      /** Keys and the values to compare them with: numbers. */
      NumericGreaterThanEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: times. */
      DateEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: times. */
      DateNotEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: times. */
      DateLessThan?: Record<string, string[]>;
      /** Keys and the values to compare them with: times. */
      DateLessThanEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: times. */
      DateGreaterThan?: Record<string, string[]>;
      /** Keys and the values to compare them with: times. */
      DateGreaterThanEquals?: Record<string, string[]>;
      /** Keys and the values to compare them with: true or false. */
      Bool?: Record<string, string[]>;
      /** Keys and the values to compare them with: an address in a range. */
      IpAddress?: Record<string, string[]>;
      /** Keys and the values to compare them with: an address outside of all ranges. */
      NotIpAddress?: Record<string, string[]>;
    };
  }[];
}

/**
 * PolicyAttachment attaches a Policy to a user, a group or a service. As long as the hub does not
 * judge requests by policies, it changes nobody's rights. Neither the policy nor the subject need
 * be there.
 */
export interface PolicyAttachment {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "PolicyAttachment";
  metadata: ObjectMeta;
  spec: PolicyAttachmentSpec;
}

export interface PolicyAttachmentList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "PolicyAttachmentList";
  metadata: ListMeta;
  items: PolicyAttachment[];
}

/** What is attached to whom. */
export interface PolicyAttachmentSpec {
  /** Name of the Policy. */
  policy: string;
  /** Whom the policy is attached to. */
  subject: {
    /** What kind of object it is. */
    kind: "User" | "UserGroup" | "ServiceIdentity";
    /** Its name. */
    name: string;
  };
}

/**
 * ServiceIdentity names a program that is to use the hub in its own name, such as a pipeline. The
 * hub keeps it and issues no credentials for it: a Credential is for a User.
 */
export interface ServiceIdentity {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "ServiceIdentity";
  metadata: ObjectMeta;
  spec: ServiceIdentitySpec;
}

export interface ServiceIdentityList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "ServiceIdentityList";
  metadata: ListMeta;
  items: ServiceIdentity[];
}

/** Which program it is and who answers for it. */
export interface ServiceIdentitySpec {
  /** The name of the program as it is shown to people. */
  displayName?: string;
  /** What the program does, in a sentence. */
  description?: string;
  /** Name of the User who answers for the program. */
  owner?: string;
  /** When true, the program is to be locked out. */
  disabled?: boolean;
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

/**
 * UserGroup describes a group of users for people who look at it. Who is in a group is said by
 * spec.groups of each User, by the name of the group; that works with and without a UserGroup of
 * this name, and deleting the object takes nobody out of the group.
 */
export interface UserGroup {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "UserGroup";
  metadata: ObjectMeta;
  spec: UserGroupSpec;
}

export interface UserGroupList {
  apiVersion: "roadstead.io/v1alpha1";
  kind: "UserGroupList";
  metadata: ListMeta;
  items: UserGroup[];
}

/** What the group is. */
export interface UserGroupSpec {
  /** The name of the group as it is shown to people. */
  displayName?: string;
  /** What the group is for, in a sentence. */
  description?: string;
}
