# SPDX-License-Identifier: Apache-2.0
# Fails when a file is larger than it may be: cmake -DFILE=f -DLIMIT=bytes -P CheckSize.cmake
file(SIZE "${FILE}" size)
if(size GREATER LIMIT)
  file(REMOVE "${FILE}")
  message(FATAL_ERROR "${FILE} has ${size} bytes; at most ${LIMIT} are allowed")
endif()
