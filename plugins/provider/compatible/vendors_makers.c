/* Those who serve models of their own. */
#include "vendors.h"

#define PENALTIES "frequency_penalty presence_penalty"
#define LOGPROBS  "logprobs top_logprobs"

#define ZHIPU                                                                                  \
    .refuses = "logit_bias " LOGPROBS " seed parallel_tool_calls n " PENALTIES, .stops = 1,    \
    .hottest = "1", .endpoints = ON_CHAT | ON_EMBED | ON_IMAGE | ON_AUDIO | ON_RERANK,         \
    .wire = HG_WIRE_NO_SCHEMA | HG_WIRE_REASONING, .wants = WANTS_AUTO_TOOLS,                  \
    .errors = "1000=auth 1001=auth 1002=auth 1003=auth 1004=auth 1110=auth 1111=auth "         \
              "1112=auth 1114=auth 1120=auth 1121=auth 1113=quota 1211=missing 1220=denied "   \
              "1221=denied 1222=denied 1234=upstream 1261=context 1300=policy 1301=policy "    \
              "1302=rate 1303=rate 1304=quota 1305=overload 1308=quota 1309=quota 1310=quota " \
              "1311=quota 1312=overload 1313=quota"

#define MOONSHOT                                                                              \
    .refuses = "logit_bias", .endpoints = ON_CHAT, .hottest = "1", .wire = HG_WIRE_REASONING, \
    .wants = TAKES_NEW_LIMIT | WANTS_NO_STRICT

#define DASHSCOPE                                                                         \
    .refuses = "logit_bias frequency_penalty", .takes = "modalities audio",               \
    .endpoints = ON_CHAT | ON_COMPLETE | ON_EMBED | ON_RERANK, .wire = HG_WIRE_TOP_K,     \
    .wants = WANTS_AUTO_TOOLS | WANTS_NO_STRICT,                                          \
    .errors = "Throttling.AllocationQuota=quota Arrearage=quota Throttling=rate "         \
              "Throttling.RateQuota=rate DataInspectionFailed=policy InvalidApiKey=auth " \
              "AccessDenied=denied ModelNotFound=missing RequestTimeOut=timeout "         \
              "ModelServingError=overload"

#define MINIMAX                                                                         \
    .refuses = PENALTIES " logit_bias " LOGPROBS, .hottest = "1", .endpoints = ON_CHAT, \
    .wants = WANTS_ONE_CHOICE

#define STEPFUN \
    .endpoints = ON_CHAT | ON_AUDIO | ON_IMAGE, .wants = WANTS_AUTO_TOOLS, .errors = "451=policy"

#define ARK .endpoints = ON_CHAT | ON_EMBED | ON_IMAGE, .wire = HG_WIRE_TOP_K, .models = ""

const struct vendor vendors_makers[] = {
    {.name = "ai21",
     .base_url = "https://api.ai21.com/studio/v1",
     .endpoints = ON_CHAT,
     .models = ""},
    {.name = "amazon-nova", .base_url = "https://api.nova.amazon.com/v1", .endpoints = ON_CHAT},
    {.name = "anthropic",
     .base_url = "https://api.anthropic.com/v1",
     .refuses = "logit_bias seed presence_penalty frequency_penalty " LOGPROBS,
     .hottest = "1",
     .endpoints = ON_CHAT,
     .wants = WANTS_ONE_CHOICE | TAKES_NEW_LIMIT | TAKES_DEVELOPER},
    {.name = "baichuan",
     .base_url = "https://api.baichuan-ai.com/v1",
     .endpoints = ON_CHAT | ON_EMBED,
     .wire = HG_WIRE_TOP_K | HG_WIRE_STRING_CONTENT | HG_WIRE_NO_SCHEMA},
    {.name = "bytedance", .base_url = "https://ark.ap-southeast.bytepluses.com/api/v3", ARK},
    {.name = "bytedance-cn", .base_url = "https://ark.cn-beijing.volces.com/api/v3", ARK},
    {.name = "codestral",
     .base_url = "https://codestral.mistral.ai/v1",
     .refuses = "logit_bias user stream_options " LOGPROBS,
     .takes = "metadata prediction prompt_cache_key",
     .renames = "seed=random_seed",
     .errors = "3505=rate 1300=rate",
     .endpoints = ON_CHAT,
     .wire = HG_WIRE_EMPTY_CONTENT | HG_WIRE_NO_STREAM_USAGE,
     .wants = WANTS_NO_NAMES},
    {.name = "cohere",
     .base_url = "https://api.cohere.com/compatibility/v1",
     .refuses = "logit_bias n parallel_tool_calls user",
     .hottest = "1",
     .endpoints = ON_CHAT | ON_EMBED},
    {.name = "dashscope",
     .base_url = "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
     DASHSCOPE},
    {.name = "dashscope-cn",
     .base_url = "https://dashscope.aliyuncs.com/compatible-mode/v1",
     DASHSCOPE},
    {.name = "dashscope-us",
     .base_url = "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
     DASHSCOPE},
    {.name = "deepseek",
     .base_url = "https://api.deepseek.com",
     .refuses = "logit_bias seed parallel_tool_calls",
     .stops = 16,
     .endpoints = ON_CHAT,
     .wire = HG_WIRE_NO_SCHEMA | HG_WIRE_REASONING,
     .wants = WANTS_ONE_CHOICE | WANTS_AUTO_TOOLS | WANTS_NO_STRICT},
    {.name = "deepseek-beta",
     .base_url = "https://api.deepseek.com/beta",
     .refuses = "logit_bias seed parallel_tool_calls",
     .stops = 16,
     .endpoints = ON_CHAT | ON_COMPLETE,
     .wire = HG_WIRE_NO_SCHEMA | HG_WIRE_REASONING,
     .wants = WANTS_ONE_CHOICE | WANTS_AUTO_TOOLS},
    {.name = "gemini",
     .base_url = "https://generativelanguage.googleapis.com/v1beta/openai",
     .refuses = "logit_bias " LOGPROBS,
     .endpoints = ON_CHAT | ON_EMBED | ON_IMAGE,
     .wants = TAKES_NEW_LIMIT},
    {.name = "hunyuan",
     .base_url = "https://api.hunyuan.cloud.tencent.com/v1",
     .endpoints = ON_CHAT | ON_EMBED,
     .wire = HG_WIRE_NO_SCHEMA},
    {.name = "jina",
     .base_url = "https://api.jina.ai/v1",
     .endpoints = ON_EMBED | ON_RERANK,
     .models = ""},
    {.name = "krutrim",
     .base_url = "https://cloud.olakrutrim.com/v1",
     .endpoints = ON_CHAT,
     .wire = HG_WIRE_STRING_CONTENT},
    {.name = "lingyi",
     .base_url = "https://api.lingyiwanwu.com/v1",
     .endpoints = ON_CHAT,
     .wire = HG_WIRE_NO_SCHEMA},
    {.name = "meta", .base_url = "https://api.llama.com/compat/v1", .endpoints = ON_CHAT},
    {.name = "minimax", .base_url = "https://api.minimax.io/v1", MINIMAX},
    {.name = "minimax-cn", .base_url = "https://api.minimaxi.com/v1", MINIMAX},
    {.name = "mistral",
     .base_url = "https://api.mistral.ai/v1",
     .refuses = "logit_bias user stream_options " LOGPROBS,
     .takes = "metadata prediction prompt_cache_key",
     .renames = "seed=random_seed dimensions=output_dimension",
     .errors = "3505=rate 1300=rate",
     .endpoints = ON_CHAT | ON_EMBED | ON_AUDIO | ON_MODERATE,
     .wire = HG_WIRE_EMPTY_CONTENT | HG_WIRE_NO_STREAM_USAGE,
     .wants = WANTS_NO_NAMES},
    {.name = "moonshot", .base_url = "https://api.moonshot.ai/v1", MOONSHOT},
    {.name = "moonshot-cn", .base_url = "https://api.moonshot.cn/v1", MOONSHOT},
    {.name = "morph", .base_url = "https://api.morphllm.com/v1", .endpoints = ON_CHAT},
    {.name = "perplexity",
     .base_url = "https://api.perplexity.ai",
     .refuses = "tools tool_choice parallel_tool_calls " LOGPROBS " logit_bias seed stop "
                "stream_options user",
     .takes = "web_search_options",
     .endpoints = ON_CHAT,
     .wire = HG_WIRE_NO_STREAM_USAGE,
     .wants = WANTS_ONE_CHOICE | WANTS_NO_NAMES | WANTS_SYSTEM_FIRST | WANTS_TURNS,
     .models = ""},
    {.name = "publicai", .base_url = "https://api.publicai.co/v1", .endpoints = ON_CHAT},
    {.name = "qianfan",
     .base_url = "https://qianfan.baidubce.com/v2",
     .errors = "18=rate 17=quota 336100=overload 110=auth 111=auth",
     .endpoints = ON_CHAT | ON_EMBED},
    {.name = "recraft",
     .base_url = "https://external.api.recraft.ai/v1",
     .endpoints = ON_IMAGE,
     .models = ""},
    {.name = "sarvam",
     .base_url = "https://api.sarvam.ai/v1",
     .auth = "api-subscription-key",
     .endpoints = ON_CHAT,
     .models = ""},
    {.name = "spark",
     .base_url = "https://spark-api-open.xf-yun.com/v1",
     .refuses = "logit_bias seed n " PENALTIES " " LOGPROBS,
     .errors = "10007=rate 10013=policy 10014=policy 10019=policy 10907=context 11200=auth "
               "11201=quota 11202=rate 11203=rate",
     .endpoints = ON_CHAT,
     .wire = HG_WIRE_STRING_CONTENT | HG_WIRE_NO_SCHEMA,
     .models = ""},
    {.name = "stepfun", .base_url = "https://api.stepfun.com/v1", STEPFUN},
    {.name = "stepfun-intl", .base_url = "https://api.stepfun.ai/v1", STEPFUN},
    {.name = "upstage", .base_url = "https://api.upstage.ai/v1", .endpoints = ON_CHAT | ON_EMBED},
    {.name = "v0", .base_url = "https://api.v0.dev/v1", .endpoints = ON_CHAT},
    {.name = "xai",
     .base_url = "https://api.x.ai/v1",
     .refuses = "logit_bias",
     .endpoints = ON_CHAT | ON_IMAGE | ON_EMBED | ON_REALTIME,
     .wants = TAKES_NEW_LIMIT},
    {.name = "xiaomi", .base_url = "https://api.xiaomimimo.com/v1", .endpoints = ON_CHAT},
    {.name = "zai", .base_url = "https://api.z.ai/api/paas/v4", ZHIPU},
    {.name = "zai-coding", .base_url = "https://api.z.ai/api/coding/paas/v4", ZHIPU},
    {.name = "zhipu", .base_url = "https://open.bigmodel.cn/api/paas/v4", ZHIPU},
    {.name = "zhipu-coding", .base_url = "https://open.bigmodel.cn/api/coding/paas/v4", ZHIPU},
    {0},
};
