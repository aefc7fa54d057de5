# What the Python package is made of beside python/chronos2: the library, its declarations for cffi, and the bundled
# checkpoint. pyproject.toml builds and installs the component "python" alone.
find_package(Python COMPONENTS Interpreter REQUIRED)
set(PYTHON_INTERFACE ${CMAKE_BINARY_DIR}/_interface.py)
separate_arguments(C_COMPILER_WORDS UNIX_COMMAND "${CMAKE_C_COMPILER_ARG1}") # of CC="gcc -m64"
add_custom_command(OUTPUT ${PYTHON_INTERFACE}
  COMMAND ${Python_EXECUTABLE} ${CMAKE_SOURCE_DIR}/python/interface.py ${CMAKE_SOURCE_DIR}/include/chronos2.h
          ${PYTHON_INTERFACE} ${CMAKE_C_COMPILER} ${C_COMPILER_WORDS}
  DEPENDS ${CMAKE_SOURCE_DIR}/python/interface.py ${CMAKE_SOURCE_DIR}/include/chronos2.h VERBATIM)
add_custom_target(python_interface DEPENDS ${PYTHON_INTERFACE})
install(FILES ${PYTHON_INTERFACE} DESTINATION chronos2 COMPONENT python EXCLUDE_FROM_ALL)
install(PROGRAMS $<TARGET_FILE:chronos2_shared> DESTINATION chronos2 COMPONENT python EXCLUDE_FROM_ALL
        RENAME ${CMAKE_SHARED_LIBRARY_PREFIX}chronos2${CMAKE_SHARED_LIBRARY_SUFFIX})
install(DIRECTORY models/chronos2-micro DESTINATION chronos2/models COMPONENT python EXCLUDE_FROM_ALL)
