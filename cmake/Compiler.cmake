# SPDX-License-Identifier: Apache-2.0
# The one supported compiler, its flags, and the build flavours (sanitizers, fuzzing, coverage).

# g++ 12 miscompiles coroutines, and older clang lacks the coroutine checks and fixes that we rely on.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Roadstead is built with clang 19 or newer; found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} "
    "(${CMAKE_CXX_COMPILER}).\nRun ./dev setup, then ./dev build (or cmake --preset debug): the presets select clang++-19.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

set(ROADSTEAD_SANITIZE "" CACHE STRING "Sanitizers: empty, address, or thread")
option(ROADSTEAD_FUZZ "Build the fuzz targets of fuzz/ with libFuzzer" OFF)
option(ROADSTEAD_COVERAGE "Instrument for llvm-cov" OFF)

find_program(ROADSTEAD_CCACHE ccache)
if(ROADSTEAD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The base folder lets a second checkout, such as a fresh clone, find what the first one compiled; line tables name
  # paths relative to it. The sloppiness is what ccache asks for before it accepts precompiled headers.
  set(CMAKE_C_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${ROADSTEAD_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros "${ROADSTEAD_CCACHE}")
endif()

# Flags for all code of ours, dependencies' headers included.
add_compile_options(-fstack-protector-strong -fcf-protection -fno-omit-frame-pointer
                    -ffunction-sections -fdata-sections "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_link_options(-fuse-ld=lld -Wl,-z,relro,-z,now -Wl,--gc-sections)

if(ROADSTEAD_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(ROADSTEAD_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(NOT ROADSTEAD_SANITIZE STREQUAL "")
  message(FATAL_ERROR "ROADSTEAD_SANITIZE is '${ROADSTEAD_SANITIZE}'; use address, thread, or nothing.")
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  # The sanitizers have their own checks, and fortify needs optimisation.
  add_compile_options(-U_FORTIFY_SOURCE)
  add_compile_definitions(_FORTIFY_SOURCE=3)
endif()
if(ROADSTEAD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(ROADSTEAD_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

# Warnings are for our sources only; each target of ours links this.
add_library(roadstead_warnings INTERFACE)
target_compile_options(roadstead_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Wimplicit-fallthrough -Wthread-safety -Woverloaded-virtual -Wunused -Wformat=2
  # A designated initialiser that leaves members at their value-initialised default says what it means.
  -Wno-missing-designated-field-initializers)
