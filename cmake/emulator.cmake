# Tests start programs of this build by their path in PROGRAMS_DIR. Where those are for another machine, each has a
# script there that runs it under the emulator.
set(PROGRAMS_DIR ${CMAKE_BINARY_DIR})
if(CMAKE_CROSSCOMPILING_EMULATOR)
  set(PROGRAMS_DIR ${CMAKE_BINARY_DIR}/emulated)
  find_program(EMULATOR ${CMAKE_CROSSCOMPILING_EMULATOR} REQUIRED)
  file(MAKE_DIRECTORY ${PROGRAMS_DIR})
  file(CREATE_LINK ../libchronos2.so ${PROGRAMS_DIR}/libchronos2.so SYMBOLIC)
  get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL EXECUTABLE)
      file(GENERATE OUTPUT ${PROGRAMS_DIR}/${target} CONTENT "#!/bin/sh\nexec '${EMULATOR}' '$<TARGET_FILE:${target}>' \"$@\"\n"
           FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    endif()
  endforeach()
endif()

# gcc 12.2 for ARM stops with an internal error where it vectorises a maximum by fmax; tests have several.
set(TEST_OPTIONS)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 12.3
   AND CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(TEST_OPTIONS -fno-tree-loop-vectorize)
endif()
