# find_package(agentlog): agentlog::agentlog (writer and reader), agentlog::agentlog_ndjson, agentlog::agentlog_aggregator,
# and each with _static behind its name; what the static ones need of the system must be installed to link them.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/agentlog-targets.cmake)
