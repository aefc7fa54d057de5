# The allocation-failure sweep: tests alloc_COMMAND try every 11th allocation of a command, and with
# CHRONOS2_SWEEP_STEP=1 in the environment every one. Sanitizers have allocators of their own, which can't be preloaded; an
# emulator's host can't preload what is built for another machine.
if(CMOCKA_FOUND AND NOT CMAKE_CROSSCOMPILING_EMULATOR AND NOT CHRONOS2_SANITIZE AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize")
  add_library(alloc_failing SHARED tests/alloc/failing.c)
  target_compile_definitions(alloc_failing PRIVATE _GNU_SOURCE)
  target_link_libraries(alloc_failing PRIVATE ${CMAKE_DL_LIBS})
  add_executable(alloc_sweep tests/alloc/sweep.c)
  add_dependencies(alloc_sweep alloc_failing chronos2)
  target_include_directories(alloc_sweep PRIVATE tests)
  target_link_libraries(alloc_sweep PRIVATE chronos2_flags PkgConfig::CMOCKA)
  target_compile_definitions(alloc_sweep PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}" BINARY_DIR="${CMAKE_BINARY_DIR}"
                                                 FAILING="$<TARGET_FILE:alloc_failing>")
  add_executable(alloc_stream tests/alloc/stream.c)
  target_link_libraries(alloc_stream PRIVATE chronos2_static)
  add_dependencies(alloc_sweep alloc_stream)
  foreach(command forward forward_reference predict forecast_csv forecast_jsonl forecast_page stream stream_errors inspect
                  inspect_sharded bench probe evaluate detect study resume from_csv)
    add_test(NAME alloc_${command} COMMAND alloc_sweep ${command})
  endforeach()
  if(CURL_FOUND)
    add_executable(alloc_pull tests/alloc/pull.c)
    add_dependencies(alloc_pull alloc_failing chronos2 fake_hub)
    target_include_directories(alloc_pull PRIVATE tests)
    target_link_libraries(alloc_pull PRIVATE chronos2_hub PkgConfig::CMOCKA)
    target_compile_definitions(alloc_pull PRIVATE _GNU_SOURCE SOURCE_DIR="${CMAKE_SOURCE_DIR}" BINARY_DIR="${CMAKE_BINARY_DIR}"
                                                  FAILING="$<TARGET_FILE:alloc_failing>")
    add_test(NAME alloc_pull COMMAND alloc_pull)
  endif()
endif()
