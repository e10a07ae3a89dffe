// SPDX-License-Identifier: Apache-2.0
#include "apps/hub/data_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "pki/authorities.h"

namespace roadstead::hub {

Result<DataDir> DataDir::open(const StorePlace& place, const Clock& clock, Random& random) {
  const std::string& path = place.data_dir;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error(ErrorKind::Storage, "dataDir: cannot make \"" + path + "\"");
  }
  TRY(crypto::SealingKey key, crypto::SealingKey::load_or_create(path + "/sealing.key", random));
  TRY(auto store, open_store(place, clock, random));
  return DataDir{crypto::SealedBox(std::move(key)), std::move(store)};
}

Result<std::string> rotate_ca(const StorePlace& place, const Clock& clock, Random& random,
                              io::Shard& shard) {
  if (access((place.data_dir + "/sealing.key").c_str(), F_OK) != 0) {
    return Error(ErrorKind::NotFound,
                 "--data-dir: \"" + place.data_dir + "\" is no folder of a hub");
  }
  TRY(const DataDir data, DataDir::open(place, clock, random));
  TRY_VOID(
      shard.wait_for(pki::rotate_hub_authority(shard, *data.store, data.sealing, clock, random)));
  TRY(const pki::Authorities all, shard.wait_for(pki::load_or_create_authorities(
                                      shard, *data.store, data.sealing, clock, random)));
  return "The hub has a new CA: sha256:" + all.hub->certificate().fingerprint() +
         "\nThe old one stays trusted until " + format_rfc3339(all.former_hub->until) +
         ". Start the hub: Agents get the new CA over their tunnels and keep it.\n";
}

}  // namespace roadstead::hub
