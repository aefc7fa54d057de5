# What pages are made of: template, style, scripts and Chart.js become C arrays, which page/page.c puts together.
find_file(CHART_JS NAMES chart.min.js Chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
          DOC "Chart.js 3, minified" NO_DEFAULT_PATH)
if(NOT CHART_JS)
  message(FATAL_ERROR "chart.min.js is missing: install the package libjs-chart.js, or run scripts/setup.sh build")
endif()

file(GLOB PAGE_FILES CONFIGURE_DEPENDS page/*.html page/*.css page/*.js)
set(PAGE_PARTS ${CMAKE_BINARY_DIR}/generated/page_parts.c)
add_custom_command(
  OUTPUT ${PAGE_PARTS}
  COMMAND ${CMAKE_COMMAND} -D CHART_JS=${CHART_JS} "-DFILES=${PAGE_FILES}" -D OUT=${PAGE_PARTS}
          -P ${CMAKE_SOURCE_DIR}/cmake/page_parts.cmake
  DEPENDS ${CHART_JS} ${PAGE_FILES} ${CMAKE_SOURCE_DIR}/cmake/page_parts.cmake
  COMMENT "The parts of pages" VERBATIM)
