// Every public header is C++ as well: log_cxx LOGDIR logs one event.
#include <agentlog/agentlog.h>
#include <agentlog/aggregator.h>
#include <agentlog/ndjson.h>
#include <agentlog/reader.h>
#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include <cstdio>

int main(int argc, char **argv) {
    alog_error error{};
    alog_writer *writer = nullptr;
    if (argc != 2 || alog_writer_open(argv[1], nullptr, &writer, &error) != ALOG_OK) {
        std::fprintf(stderr, "open: %s\n", error.message);
        return 1;
    }
    alog_hook_execution hook{};
    hook.hook_name = alog_str("lint");
    hook.status = ALOG_HOOK_STATUS_SUCCESS;
    const alog_status logged = alog_log_hook_execution(writer, &hook);
    std::printf("%s\n", alog_status_name(logged));
    return alog_writer_close(writer, &error) == ALOG_OK && logged == ALOG_OK ? 0 : 1;
}
