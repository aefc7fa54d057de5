# The study's report: template, style, script and Chart.js become one page, and that becomes a C array.
find_file(CHART_JS NAMES chart.min.js Chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist
          DOC "Chart.js 3, minified" NO_DEFAULT_PATH)
if(NOT CHART_JS)
  message(FATAL_ERROR "chart.min.js is missing: install the package libjs-chart.js, or run scripts/setup.sh build")
endif()

set(REPORT_PARTS ${CHART_JS})
foreach(part template.html report.css report.js)
  list(APPEND REPORT_PARTS ${CMAKE_SOURCE_DIR}/study/files/report/${part})
endforeach()
set(REPORT_PAGE ${CMAKE_BINARY_DIR}/generated/report_page.c)
add_custom_command(
  OUTPUT ${REPORT_PAGE}
  COMMAND ${CMAKE_COMMAND} -D CHART_JS=${CHART_JS} -D PARTS=${CMAKE_SOURCE_DIR}/study/files/report -D OUT=${REPORT_PAGE}
          -P ${CMAKE_SOURCE_DIR}/cmake/report_page.cmake
  DEPENDS ${REPORT_PARTS} ${CMAKE_SOURCE_DIR}/cmake/report_page.cmake
  COMMENT "The report's page" VERBATIM)
