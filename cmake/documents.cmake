# Manual pages and shell completion: the program writes them from its option tables.
if(NOT TARGET chronos2)
  return()
endif()
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "chronos2: no manual pages or shell completion: the program can't run on this machine")
  return()
endif()
include(GNUInstallDirs)

set(DOCUMENTS_DIR ${CMAKE_BINARY_DIR}/documents)
file(MAKE_DIRECTORY ${DOCUMENTS_DIR})
set(DOCUMENTS)

# document(FILE ARGUMENT...): what the program prints with these arguments.
function(document file)
  add_custom_command(OUTPUT ${DOCUMENTS_DIR}/${file} COMMAND chronos2 ${ARGN} > ${DOCUMENTS_DIR}/${file}
                     DEPENDS chronos2 VERBATIM)
  set(DOCUMENTS ${DOCUMENTS} ${DOCUMENTS_DIR}/${file} PARENT_SCOPE)
endfunction()

set(PAGES chronos2.1)
document(chronos2.1 --generate man)
foreach(command forecast evaluate detect study probe bench inspect pull serve forward predict)
  document(chronos2-${command}.1 ${command} --generate man)
  list(APPEND PAGES chronos2-${command}.1)
endforeach()
document(chronos2.bash --generate bash)
document(_chronos2 --generate zsh)
document(chronos2.fish --generate fish)
add_custom_target(documents ALL DEPENDS ${DOCUMENTS})

list(TRANSFORM PAGES PREPEND ${DOCUMENTS_DIR}/)
install(FILES ${PAGES} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${DOCUMENTS_DIR}/chronos2.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME chronos2)
install(FILES ${DOCUMENTS_DIR}/_chronos2 DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${DOCUMENTS_DIR}/chronos2.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
