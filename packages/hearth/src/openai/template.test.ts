import { describe, expect, it } from "vitest";
import { smolTemplate } from "../testing/fake-core.js";
import { ChatTemplate } from "./template.js";

const tokens = { bosToken: "<s>", eosToken: "</s>" };
const user = [{ role: "user" as const, content: "Hi {{ 1 + 1 }}" }];
const render = (source: string) => new ChatTemplate(source, tokens).render(user);

describe("ChatTemplate", () => {
  it("writes SmolLM2's conversations, and content as it is", () => {
    expect(render(smolTemplate)).toBe(
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face" +
        "<|im_end|>\n<|im_start|>user\nHi {{ 1 + 1 }}<|im_end|>\n<|im_start|>assistant\n",
    );
  });

  it("leaves the default system message out when there is one", () => {
    const messages = [{ role: "system" as const, content: "Be brief." }, ...user];
    const text = new ChatTemplate(smolTemplate, tokens).render(messages);
    expect(text.startsWith("<|im_start|>system\nBe brief.<|im_end|>\n")).toBe(true);
    expect(text).not.toContain("SmolLM");
  });

  it("passes the tokens on, and today's date", () => {
    expect(render("{{ bos_token }}{{ eos_token }}")).toBe("<s></s>");
    expect(render("{{ strftime_now('%Y') }}")).toMatch(/^\d{4}$/);
  });

  it.each([
    ["", "missing_chat_template", "no chat template"],
    ["{% if %}", "bad_chat_template", ""],
    ["{{ raise_exception('Roles must alternate') }}", "bad_chat_template", "Roles must alternate"],
  ])("fails for %j", (source, code, sentence) => {
    expect(() => render(source)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(sentence) }),
    );
  });
});
