# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a header with a hash of the sources under FOLDER that pack weights, and of VERSION.
file(GLOB SOURCES RELATIVE ${FOLDER} ${FOLDER}/kernels/* ${FOLDER}/kernels/simd/* ${FOLDER}/ops/*)
list(SORT SOURCES)
set(ALL "${VERSION}")
foreach(SOURCE ${SOURCES})
  if(NOT IS_DIRECTORY ${FOLDER}/${SOURCE})
    file(SHA256 ${FOLDER}/${SOURCE} HASH)
    string(APPEND ALL " ${SOURCE} ${HASH}")
  endif()
endforeach()
string(SHA256 HASH "${ALL}")
string(SUBSTRING ${HASH} 0 16 HASH)
file(WRITE ${OUT} "#pragma once
#include <cstdint>
namespace cygnet {
/// Of the sources that pack weights, and of the library's version.
inline constexpr uint64_t kSourceHash = 0x${HASH};
}  // namespace cygnet
")
