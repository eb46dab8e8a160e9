// Runs scenarios with one of the official Node SDKs, or with what stands above them:
//   node node_sdks.cjs NAME <plan.json
// The plan has the gateway's port, providers, scenarios and what they need. What an SDK's typed
// result says comes out as a line of JSON for each, errors with the name of their class.

const KEY = "sk-client";
const RETRIES = 0;

let plan, origin;

const user = (text) => ({ role: "user", content: text });
const named = (schema = "parameters") => Object.entries(plan.tools).map(
  ([name, [description, parameters]]) => ({ name, description, [schema]: parameters }));
const functions = () => named().map((one) => ({ type: "function", function: one }));
const said = (text, calls, finish, usage) => ({ text, calls, finish, usage });
const finishes = { stop: "stop", length: "length", tool_calls: "tools", "tool-calls": "tools",
  end_turn: "stop", max_tokens: "length", tool_use: "tools", COMPLETE: "stop",
  MAX_TOKENS: "length", TOOL_CALL: "tools", STOP: "stop" };

// Each has first(text): the messages; ask(model, messages, stream, uses_tools, schema): a whole
// answer, put together if it was a stream; read(answer): what it says; second(first, answer,
// text): the messages with the calls and their results; and text(answer) where read has no text.

const openai_chat = () => {
  const OpenAI = require("openai");
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: KEY, maxRetries: RETRIES });
  return {
    first: (text) => [user(text)],
    async ask(model, messages, stream, uses, schema) {
      const body = { model, messages };
      if (uses) body.tools = functions();
      if (schema)
        body.response_format = { type: "json_schema",
          json_schema: { name: "level", strict: true, schema } };
      if (!stream)
        return client.chat.completions.create(body);
      const asked = { ...body, stream: true, stream_options: { include_usage: true } };
      const whole = { content: "", tool_calls: [] };
      let finish, usage;
      for await (const chunk of await client.chat.completions.create(asked)) {
        usage = chunk.usage ?? usage;
        const choice = chunk.choices[0];
        if (!choice) continue;
        finish = choice.finish_reason ?? finish;
        whole.content += choice.delta.content ?? "";
        for (const call of choice.delta.tool_calls ?? []) {
          whole.tool_calls[call.index] ??= { id: call.id, type: "function",
            function: { name: call.function.name, arguments: "" } };
          whole.tool_calls[call.index].function.arguments += call.function.arguments ?? "";
        }
      }
      return { choices: [{ message: whole, finish_reason: finish }], usage };
    },
    read(answer) {
      const { message, finish_reason } = answer.choices[0];
      return said(message.content ?? "", (message.tool_calls ?? []).map(
        (call) => [call.function.name, JSON.parse(call.function.arguments)]),
      finishes[finish_reason], [answer.usage.prompt_tokens, answer.usage.completion_tokens]);
    },
    second(first, answer, text) {
      const { tool_calls } = answer.choices[0].message;
      return [...first, { role: "assistant", content: null, tool_calls },
        ...tool_calls.map((call) => (
          { role: "tool", tool_call_id: call.id, content: plan.result })), user(text)];
    },
  };
};

const openai_responses = () => {
  const OpenAI = require("openai");
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: KEY, maxRetries: RETRIES });
  return {
    first: (text) => [user(text)],
    async ask(model, input, stream, uses, schema) {
      const body = { model, input };
      if (uses)
        body.tools = named().map((one) => ({ type: "function", strict: false, ...one }));
      if (schema)
        body.text = { format: { type: "json_schema", name: "level", strict: true, schema } };
      if (!stream)
        return client.responses.create(body);
      let text = "", final;
      for await (const event of await client.responses.create({ ...body, stream: true })) {
        if (event.type === "response.output_text.delta") text += event.delta;
        if (event.type === "response.completed" || event.type === "response.incomplete")
          final = event.response;
        if (event.type === "error") // OpenAI's own streams fail with an event
          throw new OpenAI.APIError(undefined, event, event.message, undefined);
      }
      if (!final) throw new OpenAI.APIError(undefined, undefined, "no end", undefined);
      final.output_text ??= text;
      if (text !== final.output_text) throw new Error("the stream says something else");
      return final;
    },
    read(answer) {
      const calls = answer.output.filter((item) => item.type === "function_call").map(
        (item) => [item.name, JSON.parse(item.arguments)]);
      const finish = answer.status === "incomplete" ? "length" : calls.length ? "tools" : "stop";
      return said(answer.output_text, calls, finish,
        [answer.usage.input_tokens, answer.usage.output_tokens]);
    },
    second: (first, answer, text) => [...first, ...answer.output,
      ...answer.output.filter((item) => item.type === "function_call").map((item) => (
        { type: "function_call_output", call_id: item.call_id, output: plan.result })),
      user(text)],
  };
};

const anthropic = () => {
  const Anthropic = require("@anthropic-ai/sdk");
  const client = new Anthropic({ baseURL: origin, apiKey: KEY, maxRetries: RETRIES });
  return {
    first: (text) => [user(text)],
    async ask(model, messages, stream, uses, schema) {
      const body = { model, messages, max_tokens: 100 };
      if (uses) body.tools = named("input_schema");
      if (schema) body.output_config = { format: { type: "json_schema", schema } };
      return stream ? client.messages.stream(body).finalMessage() : client.messages.create(body);
    },
    read: (answer) => said(
      answer.content.filter((one) => one.type === "text").map((one) => one.text).join(""),
      answer.content.filter((one) => one.type === "tool_use").map((one) => [one.name, one.input]),
      finishes[answer.stop_reason], [answer.usage.input_tokens, answer.usage.output_tokens]),
    second: (first, answer, text) => [...first, { role: "assistant", content: answer.content },
      { role: "user", content: [
        ...answer.content.filter((one) => one.type === "tool_use").map((one) => (
          { type: "tool_result", tool_use_id: one.id, content: plan.result })),
        { type: "text", text }] }],
  };
};

const google = () => {
  const { GoogleGenAI } = require("@google/genai");
  const client = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: origin } });
  const first = (text) => [{ role: "user", parts: [{ text }] }];
  return {
    first,
    async ask(model, contents, stream, uses, schema) {
      const config = {};
      if (uses) config.tools = [{ functionDeclarations: named("parametersJsonSchema") }];
      if (schema)
        Object.assign(config, { responseMimeType: "application/json", responseJsonSchema: schema });
      if (!stream)
        return client.models.generateContent({ model, contents, config });
      const parts = [];
      let last;
      for await (const chunk of await client.models.generateContentStream(
        { model, contents, config })) {
        parts.push(...chunk.candidates[0].content?.parts ?? []);
        last = chunk;
      }
      last.candidates[0].content.parts = parts;
      return last;
    },
    read(answer) {
      const candidate = answer.candidates[0], parts = candidate.content.parts ?? [];
      const calls = parts.filter((part) => part.functionCall).map(
        (part) => [part.functionCall.name, part.functionCall.args ?? {}]);
      const finish = finishes[candidate.finishReason], usage = answer.usageMetadata;
      return said(parts.map((part) => part.text ?? "").join(""), calls,
        calls.length && finish === "stop" ? "tools" : finish,
        [usage.promptTokenCount, usage.candidatesTokenCount]);
    },
    second: (before, answer, text) => [...before, answer.candidates[0].content,
      { role: "user", parts: answer.candidates[0].content.parts.filter(
        (part) => part.functionCall).map(({ functionCall: call }) => ({ functionResponse: {
        name: call.name, id: call.id, response: { result: plan.result } } })) }, ...first(text)],
  };
};

const bedrock = () => {
  const { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } =
    require("@aws-sdk/client-bedrock-runtime");
  const { NodeHttpHandler } = require("@smithy/node-http-handler");
  // Left to itself it speaks HTTP/2 only.
  const client = new BedrockRuntimeClient({ region: "us-east-1", endpoint: origin,
    credentials: { accessKeyId: "AKIACLIENT", secretAccessKey: "client" }, maxAttempts: 1,
    requestHandler: new NodeHttpHandler() });
  const first = (text) => [{ role: "user", content: [{ text }] }];
  return {
    first,
    async ask(modelId, messages, stream, uses, schema) {
      const body = { modelId, messages };
      if (uses)
        body.toolConfig = { tools: named("inputSchema").map((one) => (
          { toolSpec: { ...one, inputSchema: { json: one.inputSchema } } })) };
      if (schema)
        body.outputConfig = { textFormat: { type: "json_schema", structure: { jsonSchema: {
          name: "level", schema: JSON.stringify(schema) } } } };
      if (!stream)
        return client.send(new ConverseCommand(body));
      const blocks = [], whole = { output: { message: { role: "assistant" } } };
      for await (const event of (await client.send(new ConverseStreamCommand(body))).stream) {
        const { contentBlockStart: start, contentBlockDelta: delta } = event;
        if (start) blocks[start.contentBlockIndex] = { toolUse: {
          ...start.start.toolUse, input: "" } };
        else if (delta?.delta.text !== undefined)
          (blocks[delta.contentBlockIndex] ??= { text: "" }).text += delta.delta.text;
        else if (delta) blocks[delta.contentBlockIndex].toolUse.input += delta.delta.toolUse.input;
        whole.stopReason ??= event.messageStop?.stopReason;
        whole.usage ??= event.metadata?.usage;
      }
      for (const block of blocks)
        if (block.toolUse) block.toolUse.input = JSON.parse(block.toolUse.input || "{}");
      whole.output.message.content = blocks;
      return whole;
    },
    read(answer) {
      const { content } = answer.output.message;
      return said(content.map((block) => block.text ?? "").join(""),
        content.filter((block) => block.toolUse).map(
          (block) => [block.toolUse.name, block.toolUse.input]),
        finishes[answer.stopReason], [answer.usage.inputTokens, answer.usage.outputTokens]);
    },
    second(before, answer, text) {
      const { message } = answer.output;
      return [...before, message, { role: "user", content: [
        ...message.content.filter((block) => block.toolUse).map(({ toolUse }) => ({ toolResult: {
          toolUseId: toolUse.toolUseId, content: [{ text: plan.result }] } })), { text }] }];
    },
  };
};

const cohere = () => {
  const { CohereClientV2, CohereError } = require("cohere-ai");
  const client = new CohereClientV2({ token: KEY, environment: origin, maxRetries: RETRIES });
  return {
    first: (text) => [user(text)],
    async ask(model, messages, stream, uses, schema) {
      const body = { model, messages };
      if (uses) body.tools = functions();
      if (schema) body.responseFormat = { type: "json_object", jsonSchema: schema };
      if (!stream)
        return client.chat(body);
      const message = { content: [{ type: "text", text: "" }], toolCalls: [] };
      let end;
      for await (const { type, delta } of await client.chatStream(body)) {
        if (type === "content-delta") message.content[0].text += delta.message.content.text ?? "";
        else if (type === "tool-call-start") message.toolCalls.push(delta.message.toolCalls);
        else if (type === "tool-call-delta")
          message.toolCalls.at(-1).function.arguments += delta.message.toolCalls.function.arguments;
        else if (type === "message-end") end = delta;
      }
      if (!end || end.error || end.finishReason === "ERROR")
        throw new CohereError({ message: end?.error ?? "no end" });
      return { message, finishReason: end.finishReason, usage: end.usage };
    },
    read: ({ message, finishReason, usage }) => said(
      (message.content ?? []).map((one) => one.text).join(""), (message.toolCalls ?? []).map(
        (call) => [call.function.name, JSON.parse(call.function.arguments)]),
      finishes[finishReason], [usage.tokens.inputTokens, usage.tokens.outputTokens]),
    second: (first, { message }, text) => [...first,
      { role: "assistant", toolCalls: message.toolCalls },
      ...message.toolCalls.map((call) => (
        { role: "tool", toolCallId: call.id, content: plan.result })), user(text)],
  };
};

const mistral = () => {
  const { Mistral } = require("@mistralai/mistralai");
  const client = new Mistral({ apiKey: KEY, serverURL: origin });
  return {
    first: (text) => [user(text)],
    async ask(model, messages, stream, uses, schema) {
      const body = { model, messages };
      if (uses) body.tools = functions();
      if (schema)
        body.responseFormat = { type: "json_schema",
          jsonSchema: { name: "level", strict: true, schemaDefinition: schema } };
      if (!stream)
        return client.chat.complete(body);
      const message = { content: "", toolCalls: [] };
      let finishReason, usage;
      for await (const { data } of await client.chat.stream(body)) {
        usage = data.usage ?? usage;
        for (const { delta, ...choice } of data.choices) {
          finishReason = choice.finishReason ?? finishReason;
          message.content += delta.content ?? "";
          message.toolCalls.push(...delta.toolCalls ?? []);
        }
      }
      return { choices: [{ message, finishReason }], usage };
    },
    read(answer) {
      const { message, finishReason } = answer.choices[0];
      return said(message.content ?? "", (message.toolCalls ?? []).map(
        (call) => [call.function.name, JSON.parse(call.function.arguments)]),
      finishes[finishReason],
      answer.usage ? [answer.usage.promptTokens, answer.usage.completionTokens] : []);
    },
    second(first, answer, text) {
      const { toolCalls } = answer.choices[0].message;
      return [...first, { role: "assistant", content: "", toolCalls },
        ...toolCalls.map((call) => ({ role: "tool", toolCallId: call.id,
          name: call.function.name, content: plan.result })), user(text)];
    },
  };
};

const langchain_openai = () => {
  const { ChatOpenAI } = require("@langchain/openai");
  const { HumanMessage, ToolMessage } = require("@langchain/core/messages");
  const first = (text) => [new HumanMessage(text)];
  return {
    first,
    async ask(model, messages, stream, uses, schema) {
      let chat = new ChatOpenAI({ model, apiKey: KEY, maxRetries: RETRIES, streamUsage: true,
        configuration: { baseURL: `${origin}/v1` } });
      if (schema)
        return { parsed: await chat.withStructuredOutput(schema, { name: "level",
          method: "jsonSchema" }).invoke(messages) };
      if (uses) chat = chat.bindTools(functions());
      if (!stream)
        return chat.invoke(messages);
      let whole;
      for await (const chunk of await chat.stream(messages))
        whole = whole ? whole.concat(chunk) : chunk;
      return whole;
    },
    read: (answer) => answer.parsed ? said(JSON.stringify(answer.parsed)) : said(answer.text,
      answer.tool_calls.map((call) => [call.name, call.args]),
      finishes[answer.response_metadata.finish_reason],
      [answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens]),
    second: (before, answer, text) => [...before, answer, ...answer.tool_calls.map(
      (call) => new ToolMessage({ content: plan.result, tool_call_id: call.id })), ...first(text)],
  };
};

// Vercel's AI SDK: one interface, and a package for each format.
const vercel = (make) => () => {
  const { generateText, streamText, generateObject, jsonSchema, tool } = require("ai");
  const factory = make();
  return {
    first: (text) => [user(text)],
    async ask(id, messages, stream, uses, schema) {
      const asked = { model: factory(id), messages, maxRetries: RETRIES, maxOutputTokens: 100 };
      if (uses)
        asked.tools = Object.fromEntries(named().map((one) => [one.name,
          tool({ description: one.description, inputSchema: jsonSchema(one.parameters) })]));
      if (schema)
        return { parsed: (await generateObject({ ...asked, schema: jsonSchema(schema) })).object };
      if (!stream)
        return generateText(asked);
      let failure, text = "";
      const result = streamText({ ...asked, onError: ({ error }) => { failure = error; } });
      for await (const part of result.textStream) text += part;
      if (failure) throw failure;
      return { text, toolCalls: await result.toolCalls, finishReason: await result.finishReason,
        usage: await result.usage, response: await result.response };
    },
    read: (answer) => answer.parsed ? said(JSON.stringify(answer.parsed)) : said(answer.text,
      answer.toolCalls.map((call) => [call.toolName, call.input]), finishes[answer.finishReason],
      [answer.usage.inputTokens, answer.usage.outputTokens]),
    second: (first, answer, text) => [...first, ...answer.response.messages,
      { role: "tool", content: answer.toolCalls.map((call) => ({ type: "tool-result",
        toolCallId: call.toolCallId, toolName: call.toolName,
        output: { type: "text", value: plan.result } })) }, user(text)],
  };
};

const sdks = {
  openai: openai_chat, "openai-responses": openai_responses, "@anthropic-ai/sdk": anthropic,
  "@google/genai": google, "@aws-sdk/client-bedrock-runtime": bedrock, "cohere-ai": cohere,
  "@mistralai/mistralai": mistral, "@langchain/openai": langchain_openai,
  "@ai-sdk/openai": vercel(() => require("@ai-sdk/openai").createOpenAI(
    { baseURL: `${origin}/v1`, apiKey: KEY })),
  "@ai-sdk/openai-compatible": vercel(() => require("@ai-sdk/openai-compatible")
    .createOpenAICompatible({ baseURL: `${origin}/v1`, apiKey: KEY, name: "gate",
      includeUsage: true, supportsStructuredOutputs: true })),
  "@ai-sdk/anthropic": vercel(() => require("@ai-sdk/anthropic").createAnthropic(
    { baseURL: `${origin}/v1`, apiKey: KEY })),
  "@ai-sdk/google": vercel(() => require("@ai-sdk/google").createGoogleGenerativeAI(
    { baseURL: `${origin}/v1beta`, apiKey: KEY })),
  "@ai-sdk/amazon-bedrock": vercel(() => require("@ai-sdk/amazon-bedrock").createAmazonBedrock(
    { baseURL: origin, region: "us-east-1", accessKeyId: "AKIACLIENT",
      secretAccessKey: "client" })),
  "@ai-sdk/cohere": vercel(() => require("@ai-sdk/cohere").createCohere(
    { baseURL: `${origin}/v2`, apiKey: KEY })),
};

async function run(sdk, provider, name) {
  const model = `${provider}/m`, stream = name.endsWith("_stream");
  const base = name.replace(/_stream$/, ""), uses = plan.uses_tools.includes(base);
  const prompt = (which) => `run=${which}!`;
  if (base === "schema")
    return sdk.read(await sdk.ask(model, sdk.first(prompt(name)), false, false, plan.schema));
  let messages = sdk.first(prompt(name));
  if (base === "result") {
    const first = sdk.first(prompt(stream ? "call_stream" : "call"));
    messages = sdk.second(first, await sdk.ask(model, first, stream, true), prompt(name));
  }
  return sdk.read(await sdk.ask(model, messages, stream, uses));
}

function failure(error) {
  const names = [];
  for (let one = error; one; one = Object.getPrototypeOf(one))
    if (one.constructor?.name && !names.includes(one.constructor.name))
      names.push(one.constructor.name);
  return { error: [...names, error.name ?? ""], message: String(error.message),
    status: error.status ?? error.statusCode ?? error.$metadata?.httpStatusCode ?? null,
    stack: String(error.stack).slice(0, 1500) };
}

async function main() {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  plan = JSON.parse(text);
  origin = `http://127.0.0.1:${plan.port}`;
  const sdk = sdks[process.argv[2]]();
  for (const provider of plan.providers)
    for (const name of plan.names)
      console.log(JSON.stringify({ provider, name,
        ...await run(sdk, provider, name).catch(failure) }));
}

main().then(() => process.exit(0));
