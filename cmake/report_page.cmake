# cmake -D CHART_JS=FILE -D PARTS=FOLDER -D OUT=FILE.c -P report_page.cmake
# Puts style and scripts into the template and writes the page as the C array c2_report_page.
file(READ ${PARTS}/template.html page)
file(READ ${PARTS}/report.css css)
file(READ ${PARTS}/report.js script)
file(READ ${CHART_JS} chart)
if(NOT chart MATCHES "Chart\\.js v3\\." OR chart MATCHES "</[sS][cC]")
  message(FATAL_ERROR "${CHART_JS}: expected Chart.js 3, minified (package libjs-chart.js)")
endif()
foreach(mark CSS SCRIPT CHART) # Chart.js last: nothing is looked for in it
  string(TOLOWER ${mark} part)
  string(REPLACE "@${mark}@" "${${part}}" page "${page}")
endforeach()
get_filename_component(folder ${OUT} DIRECTORY)
file(WRITE ${folder}/report_page.html "${page}")
file(READ ${folder}/report_page.html bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include \"study/files/report.h\"\n\nconst unsigned char c2_report_page[] = {\n${bytes}0};\n")
