# chronos2.wasm, a module that wasm/chronos2.mjs loads, and site/, the page of examples/browser with all that it reads.
# Of data/ it has what reads text in memory: no files, no other library.
set(WASM_DATA assemble axis cell csv csv_columns csv_window dataset dialect frame jsonl lookup missing panel series
              stamp summary table unseen)
list(TRANSFORM WASM_DATA REPLACE "(.+)" "data/\\1.c")
add_executable(chronos2_wasm wasm/module.c wasm/answer.c wasm/table.c ${WASM_DATA})
target_include_directories(chronos2_wasm PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(chronos2_wasm PRIVATE chronos2_objects)
target_compile_options(chronos2_objects PUBLIC -D_WASI_EMULATED_MMAN)
set_target_properties(chronos2_wasm PROPERTIES OUTPUT_NAME chronos2 SUFFIX .wasm)
set(exports malloc free chronos2_forecast_quantiles)
list(TRANSFORM exports PREPEND "LINKER:--export=")
target_link_options(chronos2_wasm PRIVATE -mexec-model=reactor -s ${exports} LINKER:-z,stack-size=1048576)
target_link_libraries(chronos2_wasm PRIVATE wasi-emulated-mman)

set(site ${CMAKE_BINARY_DIR}/site)
file(GLOB page CONFIGURE_DEPENDS examples/browser/*)
set(model models/chronos2-micro/config.json models/chronos2-micro/model.safetensors)
list(TRANSFORM model PREPEND ${CMAKE_SOURCE_DIR}/)
configure_file(datasets/elnino_monthly.csv ${site}/sample.csv COPYONLY)
add_custom_target(site ALL
  COMMAND ${CMAKE_COMMAND} -E make_directory ${site}/model
  COMMAND ${CMAKE_COMMAND} -E copy_if_different $<TARGET_FILE:chronos2_wasm> ${CMAKE_SOURCE_DIR}/wasm/chronos2.mjs ${page} ${site}
  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${model} ${site}/model
  DEPENDS chronos2_wasm)
