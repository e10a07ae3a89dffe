// SPDX-License-Identifier: Apache-2.0
// Small JSON answers of the hub that are no objects: login, enrolment. Never cached.
#pragma once

#include "codec/json.h"
#include "http/message.h"

namespace roadstead::api {

io::Task<void> answer_json(http::ServerExchange& exchange, const codec::json::object& body);

}  // namespace roadstead::api
