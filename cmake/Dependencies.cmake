# SPDX-License-Identifier: Apache-2.0
# Everything that comes from the distribution (tools/apt-packages.txt), as imported targets. Nothing is downloaded here.
# Archives are preferred to shared objects everywhere, so that one set of objects serves the static Agent too.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
include(FindPackageHandleStandardArgs)

set(ROADSTEAD_DEPENDENCY_VERSIONS "")
function(roadstead_record_version name version)
  set(ROADSTEAD_DEPENDENCY_VERSIONS "${ROADSTEAD_DEPENDENCY_VERSIONS}${name} ${version}\n" PARENT_SCOPE)
endfunction()

# Imports an archive and header folder that pkg-config knows: TARGET is the imported name, MODULE the .pc name.
function(roadstead_import_archive target)
  cmake_parse_arguments(ARG "" "MODULE;ARCHIVE;HEADER" "LINK;DEFINE" ${ARGN})
  pkg_check_modules(PC_${ARG_MODULE} REQUIRED QUIET "${ARG_MODULE}")
  find_library(ROADSTEAD_${ARG_MODULE}_ARCHIVE NAMES "${ARG_ARCHIVE}" HINTS ${PC_${ARG_MODULE}_LIBRARY_DIRS} REQUIRED)
  find_path(ROADSTEAD_${ARG_MODULE}_INCLUDE NAMES "${ARG_HEADER}" HINTS ${PC_${ARG_MODULE}_INCLUDE_DIRS} REQUIRED)
  mark_as_advanced(ROADSTEAD_${ARG_MODULE}_ARCHIVE ROADSTEAD_${ARG_MODULE}_INCLUDE)
  add_library(${target} STATIC IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES
    IMPORTED_LOCATION "${ROADSTEAD_${ARG_MODULE}_ARCHIVE}"
    INTERFACE_INCLUDE_DIRECTORIES "${ROADSTEAD_${ARG_MODULE}_INCLUDE}"
    INTERFACE_LINK_LIBRARIES "${ARG_LINK}"
    INTERFACE_COMPILE_DEFINITIONS "${ARG_DEFINE}")
  roadstead_record_version("${ARG_MODULE}" "${PC_${ARG_MODULE}_VERSION}")
  set(ROADSTEAD_DEPENDENCY_VERSIONS "${ROADSTEAD_DEPENDENCY_VERSIONS}" PARENT_SCOPE)
endfunction()

# Boost: Asio and Beast are headers; JSON is an archive. FindBoost of this CMake does not know 1.81, so look by hand.
find_path(ROADSTEAD_BOOST_INCLUDE boost/version.hpp REQUIRED)
file(STRINGS "${ROADSTEAD_BOOST_INCLUDE}/boost/version.hpp" boost_version REGEX "define BOOST_LIB_VERSION")
if(NOT boost_version MATCHES "\"1_81\"")
  message(FATAL_ERROR "Boost 1.81 is needed (packages libboost1.81-dev, libboost-json1.81-dev); found: ${boost_version}")
endif()
roadstead_record_version(boost "1.81")
add_library(Boost::headers INTERFACE IMPORTED GLOBAL)
set_target_properties(Boost::headers PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${ROADSTEAD_BOOST_INCLUDE}"
  INTERFACE_COMPILE_DEFINITIONS "BOOST_ASIO_NO_DEPRECATED;BOOST_ALL_NO_LIB"
  INTERFACE_LINK_LIBRARIES Threads::Threads)
foreach(component IN ITEMS container json)
  find_library(ROADSTEAD_BOOST_${component}_ARCHIVE "libboost_${component}.a" REQUIRED)
  mark_as_advanced(ROADSTEAD_BOOST_${component}_ARCHIVE)
  add_library(Boost::${component} STATIC IMPORTED GLOBAL)
  set_target_properties(Boost::${component} PROPERTIES
    IMPORTED_LOCATION "${ROADSTEAD_BOOST_${component}_ARCHIVE}"
    INTERFACE_LINK_LIBRARIES Boost::headers)
endforeach()
set_property(TARGET Boost::json APPEND PROPERTY INTERFACE_LINK_LIBRARIES Boost::container)

roadstead_import_archive(NGHTTP2::nghttp2 MODULE libnghttp2 ARCHIVE libnghttp2.a HEADER nghttp2/nghttp2.h
  DEFINE NGHTTP2_STATICLIB)
roadstead_import_archive(Yaml::yaml MODULE yaml-0.1 ARCHIVE libyaml.a HEADER yaml.h DEFINE YAML_DECLARE_STATIC)
roadstead_import_archive(SQLite::SQLite3 MODULE sqlite3 ARCHIVE libsqlite3.a HEADER sqlite3.h
  LINK Threads::Threads m ${CMAKE_DL_LIBS})
roadstead_import_archive(Sodium::sodium MODULE libsodium ARCHIVE libsodium.a HEADER sodium.h LINK Threads::Threads)
roadstead_import_archive(ZLIB::ZLIB MODULE zlib ARCHIVE libz.a HEADER zlib.h)

# libpq comes as a shared object: its archive would pull in Kerberos, LDAP and a second libssl.
pkg_check_modules(PostgreSQL REQUIRED QUIET IMPORTED_TARGET GLOBAL libpq)
add_library(PostgreSQL::PostgreSQL ALIAS PkgConfig::PostgreSQL)
roadstead_record_version(libpq "${PostgreSQL_VERSION}")

find_package(fmt REQUIRED CONFIG)
roadstead_record_version(fmt "${fmt_VERSION}")
find_package(spdlog REQUIRED CONFIG)
# Its own export names the shared fmt.
set_target_properties(spdlog::spdlog_header_only PROPERTIES
  INTERFACE_LINK_LIBRARIES "Threads::Threads;fmt::fmt-header-only")
roadstead_record_version(spdlog "${spdlog_VERSION}")
find_package(CLI11 REQUIRED CONFIG)
roadstead_record_version(CLI11 "${CLI11_VERSION}")
find_package(simdjson REQUIRED CONFIG)
roadstead_record_version(simdjson "${simdjson_VERSION}")

find_package(GTest REQUIRED CONFIG)
roadstead_record_version(googletest "${GTest_VERSION}")
find_package(rapidcheck REQUIRED CONFIG)
find_package(benchmark REQUIRED CONFIG)
roadstead_record_version(benchmark "${benchmark_VERSION}")

file(WRITE "${CMAKE_BINARY_DIR}/dependency-versions.txt" "${ROADSTEAD_DEPENDENCY_VERSIONS}")
