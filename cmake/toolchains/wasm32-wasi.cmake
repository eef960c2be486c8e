# SPDX-License-Identifier: Apache-2.0
# WebAssembly with the system interface WASI by Debian's clang (packages clang, lld, wasi-libc,
# libc++-dev-wasm32, libclang-rt-dev-wasm32); programs run under node.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
find_program(CLANG NAMES clang-14 clang REQUIRED)
find_program(CLANGXX NAMES clang++-14 clang++ REQUIRED)
set(CMAKE_C_COMPILER ${CLANG})
set(CMAKE_CXX_COMPILER ${CLANGXX})
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_EXECUTABLE_SUFFIX_CXX .wasm)
# There are no threads and no exceptions, and no position-independent code.
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_CXX_FLAGS_INIT "-fno-exceptions")
# Room for the arrays of tests, which lies before the data so that an overflow traps.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-z,stack-size=1048576 -Wl,--stack-first")

find_program(NODE NAMES node nodejs)
if(NODE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${NODE} --experimental-wasi-unstable-preview1 --no-warnings
      ${CMAKE_CURRENT_LIST_DIR}/run_wasi.mjs)
endif()
