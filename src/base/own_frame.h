// SPDX-License-Identifier: Apache-2.0
// A coroutine that is awaited where it is called is built into its caller's frame, at each call
// anew, and stays there as long as the caller runs. ROADSTEAD_OWN_FRAME is for those that are
// rarely called by one that may run for hours (a watch): they get their memory while they run.
#pragma once

#define ROADSTEAD_OWN_FRAME [[gnu::noinline]]
