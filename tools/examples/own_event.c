/*
 * own_event: an event of the application's own. It is defined once, with names and kinds of its
 * fields; any event, a catalogue's too, may carry further attributes.
 *
 *     own_event LOGDIR && agentlog cat LOGDIR --type deploy
 */
#include <agentlog/writer.h>

#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct alog_field deploy_fields[] = {
    {.name = "service", .kind = ALOG_FIELD_NAME, .required = true},
    {.name = "seconds", .kind = ALOG_FIELD_F64},
    {.name = "rolled_back", .kind = ALOG_FIELD_BOOL},
};

static enum alog_status log_deploy(struct alog_writer *writer, uint32_t deploy, const char *service,
                                   double seconds, bool rolled_back) {
    const struct alog_attribute attributes[] = {
        {.name = ALOG_STR("region"),
         .value = {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("eu-1")}}};
    const struct alog_value values[] = {
        {.kind = ALOG_VALUE_STRING, .string = alog_str(service)},
        {.kind = ALOG_VALUE_F64, .f64 = seconds},
        {.kind = ALOG_VALUE_BOOL, .boolean = rolled_back},
    };
    const struct alog_context context = {.attributes = attributes,
                                         .attribute_count = COUNT_OF(attributes)};
    return alog_log_user(writer, deploy, values, COUNT_OF(values), &context);
}

int main(int argc, char **argv) {
    struct alog_writer *writer;
    struct alog_error error;
    uint32_t deploy;
    if (argc != 2 || alog_writer_open(argv[1], NULL, &writer, &error) != ALOG_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? error.message : "usage: own_event LOGDIR");
        return 1;
    }
    if (alog_event_define(writer, ALOG_STR("deploy"), deploy_fields, COUNT_OF(deploy_fields),
                          &deploy, &error) != ALOG_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (log_deploy(writer, deploy, "web", 31.5, false) != ALOG_OK ||
        log_deploy(writer, deploy, "worker", 12.25, true) != ALOG_OK) {
        fprintf(stderr, "an event was not stored\n"); /* it is counted in the log, too */
    }
    return alog_writer_close(writer, &error) == ALOG_OK ? 0 : 1;
}
