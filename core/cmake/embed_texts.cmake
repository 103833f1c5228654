# Writes the files of a folder as C++ raw strings, without comments and indentation, which people read
# in the sources and a browser need not download.
#   cmake -DFOLDER=… -DPATTERN=*.wgsl -DOUTPUT=….inc -P embed_texts.cmake
file(GLOB paths ${FOLDER}/${PATTERN})
list(SORT paths)
set(all "")
foreach(path IN LISTS paths)
  get_filename_component(name ${path} NAME_WE)
  file(READ ${path} text)
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REGEX REPLACE "\n[ \t\n]+" "\n" text "${text}")
  string(APPEND all "{\"${name}\", R\"wgsl(${text})wgsl\"},\n")
endforeach()
file(WRITE ${OUTPUT} "${all}")
