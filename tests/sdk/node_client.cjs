// Runs one scenario with the official Node SDK and prints the result as JSON.
// node node_client.cjs BASE_URL SCENARIO

const OpenAI = require("openai");

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-client", maxRetries: 0 });
const messages = [{ role: "user", content: "Hello gate" }];
const tools = [{
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { type: "string" }, unit: { enum: ["C"] } } },
  },
}];

function chat(more) {
  return client.chat.completions.create({ model: "up/m", messages, ...more });
}

async function textOf(stream) {
  let text = "", chunks = 0, usage = null, finish = null;
  for await (const chunk of stream) {
    chunks++;
    usage = chunk.usage ?? usage;
    finish = chunk.choices[0]?.finish_reason ?? finish;
    text += chunk.choices[0]?.delta?.content ?? "";
  }
  return { text, chunks, usage, finish };
}

const scenarios = {
  async chat() {
    const answer = await chat({ model: "up/sim:text=Good%20day" });
    return { text: answer.choices[0].message.content, usage: answer.usage };
  },
  async stream() {
    return textOf(await chat({ model: "up/sim:text=one%20two%20three", stream: true }));
  },
  async usage() {
    return textOf(await chat({ stream: true, stream_options: { include_usage: true } }));
  },
  async helper() {
    const runner = client.chat.completions.stream({ model: "up/sim:text=a%20b", messages });
    return { text: (await runner.finalChatCompletion()).choices[0].message.content };
  },
  async tools() {
    const answer = await chat({ tools, tool_choice: "required" });
    const call = answer.choices[0].message.tool_calls[0];
    let joined = "";
    for await (const chunk of await chat({ tools, tool_choice: "required", stream: true }))
      for (const delta of chunk.choices[0]?.delta?.tool_calls ?? [])
        joined += delta.function?.arguments ?? "";
    return { name: call.function.name, arguments: JSON.parse(call.function.arguments),
      streamed: JSON.parse(joined), finish: answer.choices[0].finish_reason };
  },
  async embeddings() {
    const input = ["the gate", "a heron"];
    const numbers = await client.embeddings.create({ model: "up/e", input, dimensions: 8,
      encoding_format: "float" });
    const usual = await client.embeddings.create({ model: "up/e", input, dimensions: 8 });
    return { one: numbers.data.map((item) => item.embedding),
      other: usual.data.map((item) => Array.from(item.embedding)) };
  },
  async models() {
    const names = [];
    for await (const model of await client.models.list())
      names.push(model.id);
    return { names };
  },
  async errors() {
    const seen = {};
    for (const status of [400, 404, 429, 500, 503])
      await chat({ model: `up/sim:status=${status},error-message=because` }).catch((error) => {
        seen[status] = { name: error.constructor.name, status: error.status, text: error.message };
      });
    return seen;
  },
  async broken() {
    const raised = [];
    for (const how of ["close-after-events=4", "error-event-at=3"])
      await chat({ model: `up/sim:${how}`, stream: true }).then(textOf).catch(
        (error) => raised.push(error instanceof OpenAI.APIError));
    return { raised };
  },
  async together() {
    const asked = Array.from({ length: 20 }, (_, i) =>
      chat({ model: `up/sim:text=n${i}%20m`, stream: true }).then(textOf));
    return { texts: (await Promise.all(asked)).map((answer) => answer.text) };
  },
  async abort() {
    const stream = await chat({ model: "up/sim:endless=events,event-delay=5ms", stream: true });
    for await (const chunk of stream)
      if (chunk) break;
    return { alive: (await chat({})).choices.length };
  },
};

scenarios[process.argv[3]]().then((result) => console.log(JSON.stringify(result)), (error) => {
  console.error(error);
  process.exitCode = 1;
});
