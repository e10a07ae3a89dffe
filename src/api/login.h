// SPDX-License-Identifier: Apache-2.0
// First login: a one-time code and a signing request become a short-lived client certificate. The
// only thing on the user port that needs no certificate. Made through a Credential object like any
// other, so that it is listed and can be revoked. Lives on the object API's home.
//
//   POST /login/v1/certificate   {"code", "csr", "expirationSeconds"}
#pragma once

#include "api/hub_rules.h"
#include "http/message.h"
#include "io/quota.h"
#include "telemetry/log.h"

namespace roadstead::api {

inline constexpr std::string_view kLoginPath = "/login/v1/certificate";

class Login final : public http::Handler {
 public:
  Login(objects::ObjectApi& api, const objects::Kind& credentials, const HubRules& rules,
        telemetry::Logger logger);

  io::Task<void> handle(http::ServerExchange& exchange) override;

 private:
  io::Task<Result<boost::json::object>> log_in(const boost::json::value& body,
                                               const std::string& source);
  io::Task<Result<boost::json::value>> wait_for_certificate(std::string name);
  io::Task<void> note_login(std::string login);

  objects::ObjectApi& api_;
  const objects::Kind& credentials_;
  const HubRules& rules_;
  telemetry::Logger logger_;
  io::Quota running_{32};  // guesses cost a store read each
};

}  // namespace roadstead::api
