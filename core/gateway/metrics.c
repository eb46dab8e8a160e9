/* metrics.c - what a worker counts of its requests. */
#include "base/text.h"
#include "gateway/attempt.h"
#include "gateway/gateway.h"
#include "gateway/record.h"
#include "shm/region.h"

static struct metric_cell cell(struct gateway *gateway, const struct metric_spec *spec,
                               const hg_str *values)
{
    struct metrics *metrics = region_metrics(gateway->region);

    return metric_find(metrics, gateway->setup.slot, metric_declare(metrics, spec), values);
}

static struct metric_cell counter(struct gateway *gateway, const char *name, const char *help)
{
    return cell(gateway, &(struct metric_spec){.type = METRIC_COUNTER, .name = name, .help = help},
                NULL);
}

static struct metric_cell histogram(struct gateway *gateway, const char *name, const char *help)
{
    static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                    1,     2.5,    5,     10,   30,    60,   120, 300};

    return cell(gateway,
                &(struct metric_spec){.type = METRIC_HISTOGRAM,
                                      .name = name,
                                      .help = help,
                                      .bounds = bounds,
                                      .n_bounds = sizeof bounds / sizeof *bounds},
                NULL);
}

void gateway_metrics_make(struct gateway *gateway)
{
    static const char *const labels[] = {"code", NULL};
    static const struct metric_spec requests = {.type = METRIC_COUNTER,
                                                .name = "headgate_requests_total",
                                                .help = "Requests answered, by class of status.",
                                                .labels = labels};
    struct gateway_metrics *metrics = &gateway->metrics;

    for (int i = 0; i < 6; i++) {
        char text[4] = {(char)('0' + i), 'x', 'x', 0};
        hg_str value = text_of(i ? text : "none");

        metrics->requests[i] = cell(gateway, &requests, &value);
    }
    metrics->refused = counter(gateway, "headgate_refused_total",
                               "Requests refused before they were whole: malformed, too large, "
                               "too slow.");
    metrics->attempts = counter(gateway, "headgate_attempts_total", "Calls to providers.");
    metrics->attempt_failures =
        counter(gateway, "headgate_attempt_failures_total", "Calls to providers that failed.");
    metrics->tokens_in =
        counter(gateway, "headgate_input_tokens_total", "Input tokens that providers reported.");
    metrics->tokens_out =
        counter(gateway, "headgate_output_tokens_total", "Output tokens that providers reported.");
    metrics->cache_hits =
        counter(gateway, "headgate_cache_hits_total", "Requests answered from a cache.");
    metrics->cache_misses =
        counter(gateway, "headgate_cache_misses_total", "Cache look-ups that found nothing.");
    metrics->guard_denied = counter(gateway, "headgate_guard_denied_total",
                                    "Requests and answers that a guard refused.");
    metrics->log_dropped = counter(gateway, "headgate_records_dropped_total",
                                   "Records lost because the ring of the worker was full.");
    metrics->duration = histogram(gateway, "headgate_request_duration_seconds",
                                  "From the first byte of a request to the last of its answer.");
    metrics->first_token = histogram(gateway, "headgate_time_to_first_token_seconds",
                                     "From the first byte of a request to the first token.");
    metrics->own_time = histogram(gateway, "headgate_overhead_seconds",
                                  "Time of a request in which no provider was waited for.");
}

static void attempt_measure(struct gateway_metrics *metrics, const struct attempt *attempt)
{
    metric_add(metrics->attempts, 1);
    if (attempt->fault.kind != FAULT_NONE)
        metric_add(metrics->attempt_failures, 1);
    if (attempt->has_usage) {
        metric_add(metrics->tokens_in, (int64_t)attempt->usage.input);
        metric_add(metrics->tokens_out, (int64_t)attempt->usage.output);
    }
}

void gateway_record_shadow(struct gateway *gateway, const struct attempt *attempt)
{
    attempt_measure(&gateway->metrics, attempt);
    if (gateway->ring && !record_write_shadow(gateway->ring, attempt))
        metric_add(gateway->metrics.log_dropped, 1);
}

void gateway_measure(struct gateway *gateway, const struct request *request)
{
    struct gateway_metrics *metrics = &gateway->metrics;
    hg_ns upstream = 0, total = request->ended - request->began;
    int hundreds = request->client_gone && !request->status ? 0 : request->status / 100;

    metric_add(metrics->requests[hundreds >= 0 && hundreds < 6 ? hundreds : 0], 1);
    for (const struct attempt *at = request->attempts; at; at = at->next) {
        if (!at->detached || at->state == ATTEMPT_ENDED) /* the others have records of their own */
            attempt_measure(metrics, at);
        if (!at->detached && at->ended)
            upstream += at->ended - at->began;
    }
    metric_observe(metrics->duration, (double)total / 1e9);
    if (request->first_token)
        metric_observe(metrics->first_token, (double)(request->first_token - request->began) / 1e9);
    metric_observe(metrics->own_time, total > upstream ? (double)(total - upstream) / 1e9 : 0);
}
