# Slicer refuses to package an extension whose description is incomplete; so does the stub.
foreach(name HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS LICENSE_FILE README_FILE)
  if("${EXTENSION_${name}}" STREQUAL "")
    message(FATAL_ERROR "EXTENSION_${name} is not set")
  endif()
  message(STATUS "EXTENSION_${name}=${EXTENSION_${name}}")
endforeach()
