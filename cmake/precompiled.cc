// SPDX-License-Identifier: Apache-2.0
// Carries the precompiled headers; all libraries, or all test programs, reuse those of one target.
