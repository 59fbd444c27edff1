// The Vercel AI SDK by way of `@ai-sdk/openai-compatible`: text, streams, objects, tools in steps, pictures, errors.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateObject, generateText, isStepCount, streamObject, streamText, tool } from "ai";
import { z } from "zod";

const firstline = createOpenAICompatible({
  name: "firstline", baseURL: process.env.FIRSTLINE_URL, apiKey: "none", includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = firstline("gpt-4o-mini");
const schema = z.object({ company: z.string(), total: z.number() });
const invoice = { company: "Contoso", total: 12.5 };

test("generateText", async () => {
  const { text, usage, finishReason } = await generateText({ model, prompt: "hello there" });
  assert.equal(text, "hello there");
  assert.equal(finishReason, "stop");
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
});

test("streamText", async () => {
  const { textStream, usage } = streamText({ model, prompt: "one two three" });
  const pieces = [];
  for await (const piece of textStream) pieces.push(piece);
  assert.deepEqual(pieces, ["one", " two", " three"]);
  assert.ok((await usage).outputTokens > 0);
});

test("generateObject and streamObject", async () => {
  assert.deepEqual((await generateObject({ model, schema, prompt: "the invoice" })).object, invoice);
  const { partialObjectStream, object } = streamObject({ model, schema, prompt: "the invoice" });
  const seen = [];
  for await (const partial of partialObjectStream) seen.push(partial);
  assert.deepEqual(seen.at(-1), invoice);
  assert.deepEqual(await object, invoice);
});

const tools = {
  weather: tool({
    description: "Look the weather up.", inputSchema: z.object({ city: z.string() }), execute: async () => "sunny",
  }),
};

test("tools in steps", async () => {
  const { text, steps } = await generateText({ model, tools, prompt: "umbrella?", stopWhen: isStepCount(3) });
  assert.equal(text, "No umbrella in Paris.");
  assert.deepEqual(steps[0].toolCalls[0].input, { city: "Paris" });
  const streamed = streamText({ model, tools, prompt: "umbrella?", stopWhen: isStepCount(3) });
  assert.equal((await streamed.steps).at(-1).text, "No umbrella in Paris.");
});

test("a picture", async () => {
  const image = readFileSync(`${process.env.FIRSTLINE_FILES}/a.png`);
  const content = [{ type: "text", text: "what is it?" }, { type: "image", image }];
  assert.equal((await generateText({ model, messages: [{ role: "user", content }] })).text, "what is it?");
});

test("an error has its status and its words", async () => {
  await assert.rejects(generateText({ model: firstline("gpt-4o-minus"), prompt: "x", maxRetries: 0 }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 404);
    assert.equal(error.isRetryable, false);
    assert.match(error.message, /gpt-4o-minus/);
    return true;
  });
});
