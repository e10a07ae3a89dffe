// SPDX-License-Identifier: Apache-2.0
// What a request into a member costs in our own code (request_world.h), by the clock. For counts of
// instructions see bench/guard.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "request_world.h"

int main(int argc, char** argv) {
  int requests = 20'000;
  int clients = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--requests") == 0) {
      requests = std::atoi(argv[i + 1]);
    } else if (std::strcmp(argv[i], "--clients") == 0) {
      clients = std::atoi(argv[i + 1]);
    }
  }
  roadstead::bench::RequestWorld world;
  const auto start = std::chrono::steady_clock::now();
  world.fetch(clients, requests / clients);
  const auto took = std::chrono::steady_clock::now() - start;
  const int answered = requests / clients * clients;
  std::printf("%d answered, %.2f us each\n", answered,
              std::chrono::duration<double, std::micro>(took).count() / answered);
  return 0;
}
