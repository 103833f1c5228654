import { describe, expectTypeOf, it } from "vitest";
import type { ChatCompletions } from "./chat.js";
import type { Completions } from "./completions.js";
import type { Stream } from "./stream.js";
import type { ChatCompletion, ChatCompletionChunk, ChatParams, Completion } from "./types.js";

// Checked by tsc; nothing of it runs but the registration.
describe("the types of create", () => {
  const never = (_: () => void) => {};

  it("follow the parameter stream in chats", () => {
    never(() => {
      const chat = {} as ChatCompletions;
      const messages = [{ role: "user" as const, content: "Hi" }];
      expectTypeOf(chat.create({ messages })).resolves.toEqualTypeOf<ChatCompletion>();
      expectTypeOf(
        chat.create({ messages, stream: false }),
      ).resolves.toEqualTypeOf<ChatCompletion>();
      expectTypeOf(chat.create({ messages, stream: true })).resolves.toEqualTypeOf<
        Stream<ChatCompletionChunk>
      >();
      expectTypeOf(chat.create({ messages } as ChatParams)).resolves.toEqualTypeOf<
        ChatCompletion | Stream<ChatCompletionChunk>
      >();
      // @ts-expect-error a conversation has messages
      chat.create({});
      // @ts-expect-error no such role
      chat.create({ messages: [{ role: "wizard", content: "" }] });
    });
    expectTypeOf<Stream<number>>().toExtend<AsyncIterable<number>>();
  });

  it("follow the parameter stream in completions", () => {
    never(() => {
      const completions = {} as Completions;
      expectTypeOf(completions.create({ prompt: "" })).resolves.toEqualTypeOf<Completion>();
      expectTypeOf(completions.create({ prompt: [1], stream: true })).resolves.toEqualTypeOf<
        Stream<Completion>
      >();
    });
    expectTypeOf<ChatCompletion["hearth"]["tokensPerSecond"]>().toEqualTypeOf<number>();
  });
});
