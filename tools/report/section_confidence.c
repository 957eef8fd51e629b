/* Whether agents know how sure they may be. */
#include <math.h>

#include "report/answer_table.h"
#include "table_cells.h"

#define MAX_BINS 10

static const struct answer_column bin_columns[] = {{"confidence_from", "From"},
                                                   {"confidence_to", "To"},
                                                   {"executions", "Executions"},
                                                   {"confidence_avg", "Mean confidence"},
                                                   {"success_rate", "Success"},
                                                   {"success_rate_low", "95&nbsp;% interval"},
                                                   {"gap", "Gap"},
                                                   {NULL, NULL}};

static const struct answer_column agent_columns[] = {{"agent_name", "Agent"},
                                                     {"executions", "Executions"},
                                                     {"ece", "Calibration error"},
                                                     {"brier_score", "Brier score"},
                                                     {"confidence_avg", "Mean confidence"},
                                                     {"success_rate", "Success"},
                                                     {"success_rate_low", "95&nbsp;% interval"},
                                                     {"max_gap", "Largest gap"},
                                                     {NULL, NULL}};

/* The row of all agents together is the first, and has no name. */
static void put_verdict(struct page *page, const struct alog_table *agents) {
    const double said = table_number(agents, 0, "confidence_avg");
    const double happened = table_number(agents, 0, "success_rate");
    const struct number_text n = number_full(NUMBER_COUNT, table_number(agents, 0, "executions"));
    const struct number_text said_text = number_full(NUMBER_RATE, said);
    const struct number_text happened_text = number_full(NUMBER_RATE, happened);
    html_format(&page->html,
                "<p class=\"lead\">Agents gave a confidence %s times: %s on average, and %s "
                "succeeded",
                n.text, said_text.text, happened_text.text);
    html_raw(&page->html,
             said < table_number(agents, 0, "success_rate_low")    ? ": less sure than they may be."
             : said > table_number(agents, 0, "success_rate_high") ? ": surer than they may be."
                                                                   : ".");
    html_format(
        &page->html,
        " Expected calibration error <strong>%.3f</strong> (how far confidence is from what "
        "happened, on average), Brier score <strong>%.3f</strong> (0 is perfect).</p>\n",
        table_number(agents, 0, "ece"), table_number(agents, 0, "brier_score"));
}

static void chart_bins(struct page *page, const struct alog_table *table) {
    struct chart_bin bins[MAX_BINS];
    const size_t count = table->row_count < MAX_BINS ? table->row_count : MAX_BINS;
    for (size_t i = 0; i < count; i++) {
        bins[i] = (struct chart_bin){.from = table_number(table, i, "confidence_from"),
                                     .to = table_number(table, i, "confidence_to"),
                                     .confidence = table_number(table, i, "confidence_avg"),
                                     .rate = table_number(table, i, "success_rate"),
                                     .low = table_number(table, i, "success_rate_low"),
                                     .high = table_number(table, i, "success_rate_high"),
                                     .count = table_number(table, i, "executions")};
    }
    const struct chart chart = {
        "confidence-bins", "Reliability: success by confidence",
        "A point for each tenth of confidence: mean confidence to the right, success rate upwards, "
        "with its 95 % interval. On the diagonal confidence is right. Bars below say how many "
        "executions there were. The figures are in the table beside it.",
        NUMBER_RATE};
    chart_reliability(&page->html, &chart, bins, count);
}

void section_confidence(struct page *page) {
    const struct alog_table *agents = page_ask_kind(page, ALOG_QUERY_CALIBRATION);
    const struct alog_table *bins = page_ask_kind(page, ALOG_QUERY_CALIBRATION_BINS);
    page_section(page, "confidence", "Confidence");
    if (agents->row_count == 0) {
        page_nothing(page, "No agent gave a confidence in this window.");
        page_section_end(page);
        return;
    }
    put_verdict(page, agents);
    html_raw(&page->html, "<div class=\"charts\">\n");
    chart_bins(page, bins);
    html_raw(&page->html, "<div>\n");
    answer_table(page, agents,
                 &(struct answer_table){.id = "confidence-agents",
                                        .caption = "Calibration by agent",
                                        .command = "stats calibration",
                                        .columns = agent_columns,
                                        .unnamed = "All agents"});
    html_raw(&page->html, "</div>\n</div>\n");
    answer_table(page, bins,
                 &(struct answer_table){.id = "confidence-table",
                                        .caption = "Success by confidence",
                                        .command = "stats calibration-bins",
                                        .columns = bin_columns,
                                        .folded = true});
    page_section_end(page);
}
