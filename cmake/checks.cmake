# Tests that are scripts: who includes whom, text style, exported symbols, the header alone, the installed
# library.
foreach(check includes style docs)
  add_test(NAME check_${check} COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_${check}.sh)
endforeach()
foreach(script setup demo)
  add_test(NAME check_${script} COMMAND ${CMAKE_SOURCE_DIR}/tests/checks/${script}.sh ${CMAKE_BINARY_DIR}/${script}-test)
endforeach()
set(objects) # of everything but tests
foreach(target chronos2_objects chronos2_data chronos2_page chronos2_study chronos2_hub chronos2_serve chronos2)
  list(APPEND objects "$<JOIN:$<TARGET_OBJECTS:${target}>,\n>")
endforeach()
list(JOIN objects "\n" objects)
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/objects.txt CONTENT "${objects}\n")
add_test(NAME check_cycles COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_cycles.sh ${CMAKE_BINARY_DIR}/objects.txt ${CMAKE_NM})
add_test(NAME check_cycles_itself COMMAND ${CMAKE_SOURCE_DIR}/tests/checks/cycles.sh ${CMAKE_BINARY_DIR}/cycles-test
                                          ${CMAKE_C_COMPILER} ${CMAKE_NM})
add_test(NAME check_symbols COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_symbols.sh $<TARGET_FILE:chronos2_static>
                                    $<TARGET_FILE:chronos2_shared> ${CMAKE_NM}
                                    $<TARGET_FILE:chronos2_data> $<TARGET_FILE:chronos2_page> $<TARGET_FILE:chronos2_study>
                                    $<TARGET_FILE:chronos2_hub> $<TARGET_FILE:chronos2_serve>)
string(TOUPPER ${CMAKE_BUILD_TYPE} type)
set(ASSERTIONS on)
if(type MATCHES "^(RELEASE|RELWITHDEBINFO|MINSIZEREL)$" AND NOT CHRONOS2_ASSERT) # those define NDEBUG
  set(ASSERTIONS off)
endif()
add_test(NAME check_assertions COMMAND ${CMAKE_SOURCE_DIR}/scripts/check_assertions.sh $<TARGET_FILE:chronos2_static>
                                       ${CMAKE_NM} ${ASSERTIONS})
if(TARGET documents)
  add_test(NAME documents COMMAND ${CMAKE_SOURCE_DIR}/tests/documents/run.sh ${PROGRAMS_DIR}/chronos2 ${DOCUMENTS_DIR})
  set_tests_properties(documents PROPERTIES SKIP_RETURN_CODE 77)
endif()
add_test(NAME header_alone COMMAND ${CMAKE_SOURCE_DIR}/tests/install/header_alone.sh ${CMAKE_C_COMPILER})

# The examples of the documentation. A library with sanitizers can't be linked by a program without them.
set(DOCS_CC ${CMAKE_C_COMPILER})
if(CHRONOS2_SANITIZE OR CMAKE_C_FLAGS MATCHES "-fsanitize" OR CMAKE_CROSSCOMPILING_EMULATOR)
  set(DOCS_CC "")
endif()
if(TARGET chronos2_study)
  add_test(NAME docs COMMAND ${CMAKE_SOURCE_DIR}/tests/docs/run.sh ${PROGRAMS_DIR} "${DOCS_CC}")
endif()

if(NOT CHRONOS2_SANITIZE AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  add_test(NAME install COMMAND ${CMAKE_SOURCE_DIR}/tests/install/run.sh ${CMAKE_BINARY_DIR} ${CMAKE_C_COMPILER}
                                ${EMULATOR})
  set_tests_properties(install PROPERTIES SKIP_RETURN_CODE 77)
endif()
if(NOT CHRONOS2_SANITIZE AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize" AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  if(UNIX AND NOT APPLE)
    add_test(NAME rpath COMMAND ${CMAKE_SOURCE_DIR}/tests/install/rpath.sh ${CMAKE_BINARY_DIR}/rpath-test
                                ${CMAKE_C_COMPILER})
  endif()
  add_test(NAME library_only COMMAND ${CMAKE_SOURCE_DIR}/tests/install/library_only.sh
                                     ${CMAKE_BINARY_DIR}/library-only ${CMAKE_C_COMPILER})
endif()
