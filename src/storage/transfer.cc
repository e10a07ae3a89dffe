// SPDX-License-Identifier: Apache-2.0
#include "storage/transfer.h"

namespace roadstead::storage {

Result<TransferReport> transfer(TransferSource& from, TransferTarget& to) {
  TransferReport report;
  TRY(const StoreCounters counters, from.counters());
  report.revision = counters.revision;
  for (Revision after = 0;;) {
    TRY(const auto rows, from.versions_after(after));
    if (rows.empty()) {
      break;
    }
    after = rows.back().revision;
    report.versions += rows.size();
    TRY_VOID(to.add(rows));
  }
  for (std::string after;;) {
    TRY(const auto rows, from.secrets_after(after));
    if (rows.empty()) {
      break;
    }
    after = rows.back().name;
    report.secrets += rows.size();
    TRY_VOID(to.add(rows));
  }
  TRY_VOID(to.finish(counters));
  return report;
}

}  // namespace roadstead::storage
