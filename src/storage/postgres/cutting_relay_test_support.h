// SPDX-License-Identifier: Apache-2.0
// Stands between a store and its server and cuts the connection at the worst moment: around a
// commit. Lives with the test; serves from a thread of its own.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "io/shard.h"

namespace roadstead::storage {

class CuttingRelay {
 public:
  enum class Cut : unsigned char {
    Nowhere,
    BeforeCommit,        // the server never gets it
    AfterCommit,         // the server has done it, and its answer is lost
    AfterCommitForGood,  // likewise, and no connection after it
  };

  // `server`: the path of its Unix socket.
  CuttingRelay(std::string server, const Clock& clock);
  ~CuttingRelay();
  CuttingRelay(const CuttingRelay&) = delete;
  CuttingRelay& operator=(const CuttingRelay&) = delete;

  const std::string& folder() const { return folder_; }
  void cut_next(Cut cut) { cut_ = cut; }
  int cuts() const { return cuts_; }

 private:
  struct Pair {
    int client;
    int server;
  };
  void serve();
  void accept_one();
  bool forward_request(const Pair& pair);
  static bool forward_answer(const Pair& pair);
  static void end(const Pair& pair);

  std::string server_;
  std::string folder_;
  int listener_ = -1;
  std::vector<Pair> pairs_;
  std::atomic<bool> stopping_{false};
  std::atomic<Cut> cut_{Cut::Nowhere};
  std::atomic<int> cuts_{0};
  bool gone_ = false;  // relay's thread
  io::ShardThread thread_;
};

}  // namespace roadstead::storage
