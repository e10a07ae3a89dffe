# SPDX-License-Identifier: Apache-2.0
# Writes a C++ source that defines a string_view with the text of a file:
#   cmake -DOUTPUT=x.cc -DFILE=f -DHEADER=registry/manifest_template.h -DNAMESPACE=a::b -DNAME=kText -P EmbedText.cmake
file(READ "${FILE}" content)
file(WRITE "${OUTPUT}" "// SPDX-License-Identifier: Apache-2.0
// Generated; do not edit.
#include \"${HEADER}\"

namespace ${NAMESPACE} {

const std::string_view ${NAME} = R\"embedded(${content})embedded\";

}  // namespace ${NAMESPACE}
")
