// SPDX-License-Identifier: Apache-2.0
// The hot paths whose instructions `./dev bench guard` counts, one for each run:
//
//   hot-paths            lists them: name, how many units are counted, unit
//   hot-paths NAME [N]   goes through one, first as a warm-up, then N units inside counted_part
#include <valgrind/callgrind.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "work.h"

// What runs in here is counted (callgrind's --toggle-collect), and only on this thread.
extern "C" [[gnu::noinline]] void counted_part(roadstead::bench::Work& work, int units) {
  work.run(units);
  asm volatile("" ::: "memory");  // so that the call above is no jump and this function has an end
}

namespace {

std::vector<roadstead::bench::HotPath> hot_paths() {
  using namespace roadstead::bench;
  std::vector<HotPath> all;
  for (const auto& part : {request_paths(), tls_paths(), object_paths()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  for (const auto& path : hot_paths()) {
    if (argc < 2) {
      std::printf("%s %d %s\n", path.name, path.units, path.unit);
    } else if (std::strcmp(path.name, argv[1]) == 0) {
      const int units = argc > 2 ? std::atoi(argv[2]) : path.units;
      const auto work = path.prepare();
      work->run(units);
      CALLGRIND_START_INSTRUMENTATION;  // what came before ran many times as fast
                                        // (--instr-atstart=no)
      counted_part(*work, units);
      return 0;
    }
  }
  if (argc < 2) {
    return 0;
  }
  std::fprintf(stderr, "hot-paths: there is no '%s'\n", argv[1]);
  return 2;
}
