import { describe, expect, it } from "vitest";
import { smolTemplate } from "../testing/fake-core.js";
import type { RenderParams } from "../worker/protocol.js";
import { ChatTemplate, toolTemplateOf } from "./template.js";

const tokens = { bosToken: "<s>", eosToken: "</s>" };
const user = [{ role: "user", content: "Hi {{ 1 + 1 }}" }];
const rendered = (chat: string, how: Partial<RenderParams> = {}, toolUse = "") =>
  new ChatTemplate({ chat, toolUse }, tokens).render({
    ...{ messages: user, tools: [], addGenerationPrompt: true, variables: {} },
    ...how,
  });
const render = (source: string) => rendered(source);

describe("ChatTemplate", () => {
  it("writes SmolLM2's conversations, and content as it is", () => {
    expect(render(smolTemplate)).toBe(
      "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face" +
        "<|im_end|>\n<|im_start|>user\nHi {{ 1 + 1 }}<|im_end|>\n<|im_start|>assistant\n",
    );
  });

  it("leaves the default system message out when there is one", () => {
    const messages = [{ role: "system", content: "Be brief." }, ...user];
    const text = rendered(smolTemplate, { messages });
    expect(text.startsWith("<|im_start|>system\nBe brief.<|im_end|>\n")).toBe(true);
    expect(text).not.toContain("SmolLM");
  });

  it("passes the tokens on, and today's date", () => {
    expect(render("{{ bos_token }}{{ eos_token }}")).toBe("<s></s>");
    expect(render("{{ strftime_now('%Y') }}")).toMatch(/^\d{4}$/);
  });

  const weather = {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: {} } } },
  };
  const withTools =
    "{% if tools %}{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}{% endif %}" +
    "{% for m in messages %}{{ m.role }}{% for call in m.tool_calls or [] %}" +
    ":{{ call.function.name }}{% endfor %} {% endfor %}{% if add_generation_prompt %}>{% endif %}";

  it("passes tools and their calls on", () => {
    const calls = { role: "assistant", tool_calls: [{ function: { name: "weather" } }] };
    const messages = [...user, calls, { role: "tool", content: "12 °C" }];
    expect(rendered(withTools, { messages, tools: [weather] })).toBe(
      '{"type": "function", "function": {"name": "weather", "parameters": ' +
        '{"type": "object", "properties": {"city": {}}}}}\nuser assistant:weather tool >',
    );
    expect(rendered(withTools, { messages, addGenerationPrompt: false })).toBe(
      "user assistant:weather tool ",
    );
  });

  it("takes the template for tools where there is one, and only with tools", () => {
    const config = JSON.stringify({
      chat_template: [
        { name: "default", template: "plain" },
        { name: "tool_use", template: "{{ tools | length }}" },
      ],
    });
    const toolUse = toolTemplateOf(config);
    expect(rendered("plain", {}, toolUse)).toBe("plain");
    expect(rendered("plain", { tools: [weather] }, toolUse)).toBe("1");
    expect(toolTemplateOf("")).toBe("");
    expect(toolTemplateOf('{"chat_template":"x"}')).toBe("");
  });

  it("passes variables on, which cannot replace the conversation", () => {
    const variables = { enable_thinking: false, messages: [] };
    const source = "{{ enable_thinking }} {{ messages | length }}";
    expect(rendered(source, { variables })).toBe("false 1");
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
