# SPDX-License-Identifier: Apache-2.0
# Writes a C++ source that holds each file of FILES as text: cmake -DOUTPUT=x.cc -DFILES=a;b -P EmbedKinds.cmake
set(text "// SPDX-License-Identifier: Apache-2.0\n// Generated from api/kinds and api/core; do not edit.\n")
string(APPEND text "#include \"objects/builtin_kinds.h\"\n\nnamespace roadstead::objects {\n\n")
string(APPEND text "std::vector<BuiltinKind> builtin_kinds() {\n  return {\n")
list(SORT FILES)
foreach(file IN LISTS FILES)
  file(READ "${file}" content)
  get_filename_component(name "${file}" NAME)
  string(APPEND text "      {\"${name}\", R\"kind_file(${content})kind_file\"},\n")
endforeach()
string(APPEND text "  };\n}\n\n}  // namespace roadstead::objects\n")
file(WRITE "${OUTPUT}" "${text}")
