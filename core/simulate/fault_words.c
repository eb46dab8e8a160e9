#include "simulate/fault_words.h"

#include "dialect/dialect.h"

const char *const fault_names[] = {"invalid", "context",    "filter", "auth",  "permission",
                                   "missing", "too-large",  "rate",   "quota", "server",
                                   "timeout", "overloaded", NULL};

/* ---- OpenAI ---------------------------------------------------------------------------------- */

static const struct fault_words openai[] = {
    {"invalid", 400, "invalid_request_error", NULL, "The request is not valid.", NULL, NULL},
    {"context", 400, "invalid_request_error", "context_length_exceeded",
     "This model's maximum context length is 128000 tokens. However, your messages resulted in "
     "150000 tokens. Please reduce the length of the messages.",
     NULL, NULL},
    {"filter", 400, "invalid_request_error", "content_policy_violation",
     "Your request was rejected by our safety system.", NULL, NULL},
    {"auth", 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided.", NULL,
     NULL},
    {"permission", 403, "invalid_request_error", "permission_denied", "You may not use this.", NULL,
     NULL},
    {"missing", 404, "invalid_request_error", "model_not_found",
     "The model does not exist or you do not have access to it.", NULL, NULL},
    {"timeout", 408, "server_error", "timeout", "The request took too long.", NULL, NULL},
    {"too-large", 413, "invalid_request_error", "request_too_large", "The request is too large.",
     NULL, NULL},
    {"rate", 429, "requests", "rate_limit_exceeded",
     "Rate limit reached for requests. Please try again later.", NULL, NULL},
    {"quota", 429, "insufficient_quota", "insufficient_quota",
     "You exceeded your current quota, please check your plan and billing details.", NULL, NULL},
    {"server", 500, "server_error", NULL, "The server had an error.", NULL, NULL},
    {"overloaded", 503, "service_unavailable_error", "slow_down", "The model is overloaded.", NULL,
     NULL},
    {0},
};

/* ---- Anthropic ------------------------------------------------------------------------------- */

static const struct fault_words anthropic[] = {
    {"invalid", 400, "invalid_request_error", NULL, "The request is not valid.", NULL, NULL},
    {"context", 400, "invalid_request_error", NULL,
     "prompt is too long: 210000 tokens > 200000 maximum", NULL, NULL},
    {"filter", 400, "invalid_request_error", NULL, "Output blocked by content filtering policy",
     NULL, NULL},
    {"quota", 400, "invalid_request_error", NULL,
     "Your credit balance is too low to access the Anthropic API.", NULL, NULL},
    {"auth", 401, "authentication_error", NULL, "invalid x-api-key", NULL, NULL},
    {"permission", 403, "permission_error", NULL,
     "Your API key does not have permission to use the specified resource.", NULL, NULL},
    {"missing", 404, "not_found_error", NULL, "There is no such model.", NULL, NULL},
    {"too-large", 413, "request_too_large", NULL, "Request exceeds the maximum size", NULL, NULL},
    {"rate", 429, "rate_limit_error", NULL,
     "This request would exceed the rate limit of your organization.", NULL, NULL},
    {"server", 500, "api_error", NULL, "Internal server error", NULL, NULL},
    {"timeout", 504, "timeout_error", NULL, "Request timed out", NULL, NULL},
    {"overloaded", 529, "overloaded_error", NULL, "Overloaded", NULL, NULL},
    {0},
};

/* ---- Google ---------------------------------------------------------------------------------- */

#define GOOGLE_RPC "\"@type\":\"type.googleapis.com/google.rpc."

/* A prompt that is blocked is no error: the answer has no candidates, and says why. */
static const struct fault_words gemini[] = {
    {"invalid", 400, "INVALID_ARGUMENT", NULL, "Request contains an invalid argument.", NULL, NULL},
    {"context", 400, "INVALID_ARGUMENT", NULL,
     "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
     NULL, NULL},
    {"auth", 400, "INVALID_ARGUMENT", NULL, "API key not valid. Please pass a valid API key.",
     "[{" GOOGLE_RPC "ErrorInfo\",\"reason\":\"API_KEY_INVALID\","
     "\"domain\":\"googleapis.com\"}]",
     NULL},
    {"filter", 200, NULL, NULL, "The prompt was blocked.", NULL,
     "{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},\"usageMetadata\":"
     "{\"promptTokenCount\":10,\"totalTokenCount\":10},\"modelVersion\":\"simulator\"}"},
    {"permission", 403, "PERMISSION_DENIED", NULL,
     "The caller does not have permission for this method.", NULL, NULL},
    {"missing", 404, "NOT_FOUND", NULL,
     "The model is not found for API version v1beta, or is not supported for this method.", NULL,
     NULL},
    {"too-large", 413, "INVALID_ARGUMENT", NULL, "Request payload size exceeds the limit.", NULL,
     NULL},
    {"rate", 429, "RESOURCE_EXHAUSTED", NULL, "Resource has been exhausted (e.g. check quota).",
     NULL, NULL},
    {"quota", 429, "RESOURCE_EXHAUSTED", NULL, "You exceeded your current quota.",
     "[{" GOOGLE_RPC "QuotaFailure\",\"violations\":[{\"quotaId\":"
     "\"GenerateRequestsPerDayPerProjectPerModel\"}]}]",
     NULL},
    {"server", 500, "INTERNAL", NULL, "An internal error has occurred.", NULL, NULL},
    {"overloaded", 503, "UNAVAILABLE", NULL, "The model is overloaded. Please try again later.",
     NULL, NULL},
    {"timeout", 504, "DEADLINE_EXCEEDED", NULL, "Deadline expired before operation could complete.",
     NULL, NULL},
    {0},
};

/* ---- Amazon ---------------------------------------------------------------------------------- */

/* What a guardrail stops is no error either. */
static const struct fault_words converse[] = {
    {"invalid", 400, "ValidationException", NULL, "The request is not valid.", NULL, NULL},
    {"context", 400, "ValidationException", NULL, "Input is too long for requested model.", NULL,
     NULL},
    {"filter", 200, NULL, NULL, "Blocked by a guardrail.", NULL,
     "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":"
     "\"Sorry, the guardrail blocked this.\"}]}},\"stopReason\":\"guardrail_intervened\","
     "\"usage\":{\"inputTokens\":0,\"outputTokens\":0,\"totalTokens\":0},"
     "\"metrics\":{\"latencyMs\":10}}"},
    {"quota", 400, "ServiceQuotaExceededException", NULL,
     "Your request exceeds the service quota for your account.", NULL, NULL},
    {"permission", 403, "AccessDeniedException", NULL,
     "You don't have access to the model with the specified model ID.", NULL, NULL},
    {"auth", 403, "UnrecognizedClientException", NULL,
     "The security token included in the request is invalid.", NULL, NULL},
    {"missing", 404, "ResourceNotFoundException", NULL, "There is no such model.", NULL, NULL},
    {"timeout", 408, "ModelTimeoutException", NULL, "Model has timed out.", NULL, NULL},
    {"too-large", 413, "ValidationException", NULL, "The request is too large.", NULL, NULL},
    {"rate", 429, "ThrottlingException", NULL,
     "Too many requests, please wait before trying again.", NULL, NULL},
    {"server", 500, "InternalServerException", NULL, "An internal server error occurred.", NULL,
     NULL},
    {"overloaded", 503, "ServiceUnavailableException", NULL, "The service is unavailable.", NULL,
     NULL},
    {0},
};

/* ---- Cohere ---------------------------------------------------------------------------------- */

static const struct fault_words cohere[] = {
    {"invalid", 400, NULL, NULL, "invalid request", NULL, NULL},
    {"context", 400, NULL, NULL,
     "too many tokens: total number of tokens in the prompt cannot exceed 128000", NULL, NULL},
    {"filter", 400, NULL, NULL, "the request was blocked by our usage policy", NULL, NULL},
    {"auth", 401, NULL, NULL, "invalid api token", NULL, NULL},
    {"quota", 402, NULL, NULL, "the billing limit of this account is reached", NULL, NULL},
    {"permission", 403, NULL, NULL, "you may not use this", NULL, NULL},
    {"missing", 404, NULL, NULL, "model not found", NULL, NULL},
    {"too-large", 413, NULL, NULL, "the request is too large", NULL, NULL},
    {"rate", 429, NULL, NULL, "too many requests, please try again later", NULL, NULL},
    {"server", 500, NULL, NULL, "internal server error", NULL, NULL},
    {"overloaded", 503, NULL, NULL, "the service is overloaded", NULL, NULL},
    {"timeout", 504, NULL, NULL, "the request timed out", NULL, NULL},
    {0},
};

const struct fault_words *fault_words_of(const struct dialect *dialect)
{
    switch (dialect->wire) {
    case HG_WIRE_ANTHROPIC:
        return anthropic;
    case HG_WIRE_GEMINI:
        return gemini;
    case HG_WIRE_CONVERSE:
        return converse;
    case HG_WIRE_COHERE:
        return cohere;
    default:
        return openai;
    }
}
