// `openai` for Node: answers, streams, parsed outputs, its tool runner, pictures, errors, fine-tuning.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({ baseURL: process.env.FIRSTLINE_URL, apiKey: "none", maxRetries: 1 });
const model = "gpt-4o-mini";
const user = (content) => [{ role: "user", content }];
const Invoice = z.object({ company: z.string(), total: z.number() });

test("an answer with its usage and its headers", async () => {
  const { data, response, request_id } = await client.chat.completions
    .create({ model, messages: user("hello there") })
    .withResponse();
  assert.equal(data.choices[0].message.content, "hello there");
  assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
  assert.ok(request_id.startsWith("req_"));
  assert.equal(response.headers.get("x-firstline-cost"), "0");
  assert.equal(data.firstline.verdict, null);
});

test("a stream, by hand and with its helper", async () => {
  const stream = await client.chat.completions.create({
    model, messages: user("one two three"), stream: true, stream_options: { include_usage: true },
  });
  const pieces = [];
  let usage;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
    usage = chunk.usage ?? usage;
  }
  assert.deepEqual(pieces, ["one", " two", " three"]);
  assert.ok(usage.completion_tokens > 0);
  const helper = client.chat.completions.stream({ model, messages: user("one two three") });
  assert.equal(await helper.finalContent(), "one two three");
});

test("a parsed output, whole and streamed", async () => {
  const asked = { model, messages: user("the invoice"), response_format: zodResponseFormat(Invoice, "invoice") };
  const whole = await client.chat.completions.parse(asked);
  assert.deepEqual(whole.choices[0].message.parsed, { company: "Contoso", total: 12.5 });
  assert.equal(whole.firstline.verdict, "accepted");
  const final = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.deepEqual(final.choices[0].message.parsed, { company: "Contoso", total: 12.5 });
});

for (const stream of [false, true]) {
  test(`the tool runner goes round${stream ? " in a stream" : ""}`, async () => {
    const cities = [];
    const weather = zodFunction({
      name: "weather",
      parameters: z.object({ city: z.string() }),
      function: ({ city }) => { cities.push(city); return "sunny"; },
    });
    const runner = client.chat.completions.runTools({ model, messages: user("umbrella?"), tools: [weather], stream });
    assert.equal(await runner.finalContent(), "No umbrella in Paris.");
    assert.deepEqual(cities, ["Paris"]);
  });
}

test("a picture and a PDF", async () => {
  const uri = (name, kind) => `data:${kind};base64,${readFileSync(`${process.env.FIRSTLINE_FILES}/${name}`, "base64")}`;
  const answer = await client.chat.completions.create({
    model,
    messages: user([
      { type: "text", text: "what is it?" },
      { type: "image_url", image_url: { url: uri("a.png", "image/png"), detail: "low" } },
      { type: "file", file: { filename: "a.pdf", file_data: uri("a.pdf", "application/pdf") } },
    ]),
  });
  assert.equal(answer.choices[0].message.content, "what is it?");
  assert.ok(answer.usage.prompt_tokens > 2833);
});

test("errors are the client's own, and what may pass is asked again", async () => {
  await assert.rejects(client.chat.completions.create({ model: "gpt-4o-minus", messages: user("x") }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "model_not_found");
    assert.equal(error.param, "model");
    return true;
  });
  const answer = await client.chat.completions.create({ model, messages: user("busy") });
  assert.equal(answer.choices[0].message.content, "busy");
});

test("models are listed", async () => {
  const names = [];
  for await (const one of client.models.list()) names.push(one.id);
  assert.ok(names.includes("gpt-4o-mini"));
});

test("a file is fine-tuned and the model that came of it is asked", async () => {
  const words = { refund: "money back", order: "new order" };
  const lines = [];
  const noise = (seed) => Array.from({ length: 6 }, (_, place) => ((seed * 7919 + place * 104729) ** 2).toString(36));
  for (let number = 0; number < 40; number++) {
    const label = number % 2 ? "refund" : "order";
    const text = `${noise(number).join(" ")} ${words[label]}`;
    lines.push(JSON.stringify({ messages: [...user(text), { role: "assistant", content: label }] }));
  }
  const file = await client.files.create({
    file: await OpenAI.toFile(Buffer.from(lines.join("\n")), "train.jsonl"), purpose: "fine-tune",
  });
  let job = await client.fineTuning.jobs.create({ model, training_file: file.id, suffix: "node" });
  while (["validating_files", "queued", "running"].includes(job.status)) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    job = await client.fineTuning.jobs.retrieve(job.id);
  }
  assert.equal(job.status, "succeeded", JSON.stringify(job.error));
  assert.ok(job.fine_tuned_model.startsWith("ft:gpt-4o-mini-2024-07-18:firstline:node:"));
  const answer = await client.chat.completions.create({
    model: job.fine_tuned_model, messages: user("my money back for it"),
  });
  assert.equal(answer.choices[0].message.content, "refund");
  const events = [];
  for await (const event of client.fineTuning.jobs.listEvents(job.id, { limit: 2 })) events.push(event);
  assert.equal(events.at(-1).message, `Created fine-tuning job: ${job.id}`);
  const [checkpoint] = (await client.fineTuning.jobs.checkpoints.list(job.id)).data;
  assert.equal(checkpoint.fine_tuned_model_checkpoint, job.fine_tuned_model);
});
