# Scores that others published, a line a task: study/results/published.csv becomes the rows of a C table.
set(published ${CMAKE_SOURCE_DIR}/study/results/published.csv)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${published})
file(STRINGS ${published} lines REGEX "^[^,]+,[0-9]+,") # all but the header
list(TRANSFORM lines REPLACE "^([^,]+),([0-9]+),(.*)$" "{\"\\1\", \\2, {\\3}},")
list(JOIN lines "\n" rows)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/published_rows.h CONTENT "${rows}\n" @ONLY)
