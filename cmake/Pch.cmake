# SPDX-License-Identifier: Apache-2.0
# Precompiled standard headers, kept under the user's cache by content (build_pch.py says why). Two of them, since
# libraries and programs differ in how they are position independent, and tests also include GoogleTest.
# Off where a build shall prove that each file includes what it uses.
option(ROADSTEAD_PCH "Precompile the standard headers that nearly every file includes" OFF)

function(roadstead_build_pch kind header)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  separate_arguments(flags NATIVE_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${type}}")
  get_directory_property(options COMPILE_OPTIONS)
  # The header lies outside of every checkout, so a checkout's path has no part in it.
  list(FILTER options EXCLUDE REGEX "^-ffile-prefix-map=")
  get_directory_property(definitions COMPILE_DEFINITIONS)
  list(TRANSFORM definitions PREPEND "-D")
  execute_process(
    COMMAND "${ROADSTEAD_PYTHON3}" "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/build_pch.py"
            --compiler "${CMAKE_CXX_COMPILER}" --header "${header}" --cache "${ROADSTEAD_CACHE}/pch"
            -- ${flags} ${options} ${definitions} -std=c++20 ${ARGN}
    OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ROADSTEAD_${kind}_PCH "${path}" PARENT_SCOPE)
endfunction()

if(ROADSTEAD_PCH)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    "${CMAKE_CURRENT_LIST_DIR}/precompiled.h" "${CMAKE_CURRENT_LIST_DIR}/precompiled_test.h"
    "${CMAKE_CURRENT_LIST_DIR}/build_pch.py")
  roadstead_build_pch(LIBRARY "${CMAKE_CURRENT_LIST_DIR}/precompiled.h" -fPIC)
  roadstead_build_pch(TEST "${CMAKE_CURRENT_LIST_DIR}/precompiled_test.h" -fPIE -DGTEST_HAS_PTHREAD=1)
endif()

function(roadstead_use_pch target kind)
  if(ROADSTEAD_PCH)
    target_compile_options(${target} PRIVATE "SHELL:-include-pch \"${ROADSTEAD_${kind}_PCH}\"")
  endif()
endfunction()
