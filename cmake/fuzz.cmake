# Fuzz targets: tests/fuzz/fuzz_NAME.c, with seeds and earlier finds in tests/fuzz/corpus/NAME. Under the preset `fuzz`
# libFuzzer drives them (`make fuzz`). Elsewhere tests/fuzz/regression.c does: over the corpus and a fixed series of
# mutations, as tests fuzz_NAME.
add_library(fuzz_files OBJECT tests/fuzz/files.c)
target_link_libraries(fuzz_files PUBLIC ${CHRONOS2_TOP})
file(GLOB FUZZ_SOURCES CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(source ${FUZZ_SOURCES})
  get_filename_component(name ${source} NAME_WE)
  string(REPLACE fuzz_ "" target ${name})
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE fuzz_files chronos2_serve)
  if(name STREQUAL fuzz_hub) # with replies of its own in place of a network
    target_sources(${name} PRIVATE ${HUB_SOURCES})
    target_link_libraries(${name} PRIVATE PkgConfig::YAML)
  endif()
  if(CHRONOS2_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE tests/fuzz/regression.c)
    add_test(NAME ${name} COMMAND ${name} tests/fuzz/corpus/${target} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endforeach()
