// Chat templates: Jinja sources that come with a model and make a prompt of a conversation.

import { Template } from "@huggingface/jinja";
import { HearthError } from "../errors.js";
import type { RenderParams } from "../worker/protocol.js";

/** The texts of the tokens that templates write around a conversation. */
export interface ModelTokens {
  readonly bosToken: string;
  readonly eosToken: string;
}

/** Jinja sources; "" for what the model does not have. */
export interface TemplateSources {
  readonly chat: string;
  /** Used instead where tools are given. */
  readonly toolUse: string;
}

export class ChatTemplate {
  readonly #sources: TemplateSources;
  readonly #tokens: ModelTokens;
  readonly #parsed = new Map<string, Template>();

  /** Nothing is parsed until the first conversation: a bad template does not keep a model from loading. */
  constructor(sources: TemplateSources, tokens: ModelTokens) {
    this.#sources = sources;
    this.#tokens = tokens;
  }

  /**
   * The prompt of a conversation.
   *
   * @throws HearthError `missing_chat_template`; `bad_chat_template` when the template does not
   * parse or refuses the messages, with what it says.
   */
  render({ messages, tools, addGenerationPrompt, variables }: RenderParams): string {
    const { chat, toolUse } = this.#sources;
    const source = tools.length > 0 && toolUse !== "" ? toolUse : chat;
    if (source === "") throw new HearthError("missing_chat_template");
    try {
      const template = this.#parsed.get(source) ?? new Template(source);
      this.#parsed.set(source, template);
      return template.render({
        ...variables,
        messages: messages.map((message) => ({ ...message })),
        // Templates ask `if tools`, and some `if tools is none`.
        tools: tools.length > 0 ? tools : null,
        bos_token: this.#tokens.bosToken,
        eos_token: this.#tokens.eosToken,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      throw HearthError.from(error, "bad_chat_template", "chat_template");
    }
  }
}

/**
 * The template for conversations with tools in a `tokenizer_config.json` that has several by name; "" when
 * it has none. The text is JSON: the core has read it already.
 */
export function toolTemplateOf(configText: string): string {
  if (configText === "") return "";
  const { chat_template: templates } = JSON.parse(configText) as { chat_template?: unknown };
  if (!Array.isArray(templates)) return "";
  const found: unknown = templates.find((each) => each?.name === "tool_use")?.template;
  return typeof found === "string" ? found : "";
}
