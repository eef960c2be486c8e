# SPDX-License-Identifier: Apache-2.0
# Compiler options shared by every target.
add_library(cygnet_options INTERFACE)
target_compile_options(cygnet_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wcast-qual -Wnon-virtual-dtor -Wvla
  $<$<BOOL:${CYGNET_WERROR}>:-Werror>
  -fvisibility=hidden)
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "wasm")  # its calls return through a stack that no write reaches
  target_compile_options(cygnet_options INTERFACE -fstack-protector-strong)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Release|MinSizeRel|RelWithDebInfo" AND NOT CYGNET_SANITIZE)
  target_compile_definitions(cygnet_options INTERFACE _FORTIFY_SOURCE=2)
endif()

# CYGNET_SANITIZE: a -fsanitize= list, set by the asan and tsan presets.
if(CYGNET_SANITIZE)
  # The vptr check needs RTTI, which the library does without.
  add_compile_options(-fsanitize=${CYGNET_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CYGNET_SANITIZE})
endif()

# The runtime knows neither exceptions nor RTTI nor static constructors.
add_library(cygnet_runtime_options INTERFACE)
target_link_libraries(cygnet_runtime_options INTERFACE cygnet_options)
target_compile_options(cygnet_runtime_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics>
  -ffunction-sections -fdata-sections -fno-plt)
