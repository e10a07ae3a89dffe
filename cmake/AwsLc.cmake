# SPDX-License-Identifier: Apache-2.0
# AwsLc::ssl and AwsLc::crypto: AWS-LC from the crate pinned in third_party/aws-lc, built once by cargo and kept under
# the user's cache by content, so that every preset and every checkout shares one build. libcrypto's symbols
# carry a version prefix (the headers add it).

set(ROADSTEAD_CACHE "$ENV{ROADSTEAD_CACHE}")
if(NOT ROADSTEAD_CACHE AND DEFINED ENV{XDG_CACHE_HOME})
  set(ROADSTEAD_CACHE "$ENV{XDG_CACHE_HOME}/roadstead")
elseif(NOT ROADSTEAD_CACHE)
  set(ROADSTEAD_CACHE "$ENV{HOME}/.cache/roadstead")
endif()

set(aws_lc_manifest "${CMAKE_SOURCE_DIR}/third_party/aws-lc")
set(aws_lc_script "${CMAKE_CURRENT_LIST_DIR}/build_aws_lc.py")
set(aws_lc_key_text "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_SYSTEM_PROCESSOR}")
foreach(input IN ITEMS "${aws_lc_manifest}/Cargo.toml" "${aws_lc_manifest}/Cargo.lock" "${aws_lc_script}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${input}")
  file(SHA256 "${input}" input_hash)
  string(APPEND aws_lc_key_text " ${input_hash}")
endforeach()
string(SHA256 aws_lc_key "${aws_lc_key_text}")
string(SUBSTRING "${aws_lc_key}" 0 16 aws_lc_key)
set(aws_lc_root "${ROADSTEAD_CACHE}/aws-lc/${aws_lc_key}")
file(MAKE_DIRECTORY "${aws_lc_root}/include" "${aws_lc_root}/lib")

find_program(ROADSTEAD_PYTHON3 python3 REQUIRED)
add_custom_command(
  OUTPUT "${aws_lc_root}/lib/libssl.a" "${aws_lc_root}/lib/libcrypto.a"
  COMMAND "${ROADSTEAD_PYTHON3}" "${aws_lc_script}" --manifest "${aws_lc_manifest}" --out "${aws_lc_root}"
          --cc "${CMAKE_C_COMPILER}" --cxx "${CMAKE_CXX_COMPILER}"
  COMMENT "AWS-LC (once per machine, about two minutes)"
  USES_TERMINAL VERBATIM)
add_custom_target(aws_lc_build DEPENDS "${aws_lc_root}/lib/libssl.a" "${aws_lc_root}/lib/libcrypto.a")

add_library(AwsLc::crypto STATIC IMPORTED GLOBAL)
set_target_properties(AwsLc::crypto PROPERTIES
  IMPORTED_LOCATION "${aws_lc_root}/lib/libcrypto.a"
  INTERFACE_INCLUDE_DIRECTORIES "${aws_lc_root}/include"
  INTERFACE_LINK_LIBRARIES "Threads::Threads")
add_dependencies(AwsLc::crypto aws_lc_build)

add_library(AwsLc::ssl STATIC IMPORTED GLOBAL)
set_target_properties(AwsLc::ssl PROPERTIES
  IMPORTED_LOCATION "${aws_lc_root}/lib/libssl.a"
  INTERFACE_INCLUDE_DIRECTORIES "${aws_lc_root}/include"
  INTERFACE_LINK_LIBRARIES "AwsLc::crypto"
  # libssl's own names have no prefix: keep them from other shared objects of the process (libpq's OpenSSL).
  INTERFACE_LINK_OPTIONS "LINKER:--exclude-libs,libssl.a:libcrypto.a")
add_dependencies(AwsLc::ssl aws_lc_build)
