// Chat templates: Jinja sources that come with a model and make a prompt of a conversation.

import { Template } from "@huggingface/jinja";
import { HearthError } from "../errors.js";
import type { TemplateMessage } from "../worker/protocol.js";

/** The texts of the tokens that templates write around a conversation. */
export interface ModelTokens {
  readonly bosToken: string;
  readonly eosToken: string;
}

export class ChatTemplate {
  readonly #source: string;
  readonly #tokens: ModelTokens;
  #template: Template | undefined;

  /** Nothing is parsed until the first conversation: a bad template does not keep a model from loading. */
  constructor(source: string, tokens: ModelTokens) {
    this.#source = source;
    this.#tokens = tokens;
  }

  /**
   * The prompt of a conversation, ready for the assistant's next turn.
   *
   * @throws HearthError `missing_chat_template`; `bad_chat_template` when the template does not
   * parse or refuses the messages, with what it says.
   */
  render(messages: readonly TemplateMessage[]): string {
    if (this.#source === "") throw new HearthError("missing_chat_template");
    try {
      this.#template ??= new Template(this.#source);
      return this.#template.render({
        messages: messages.map((message) => ({ ...message })),
        bos_token: this.#tokens.bosToken,
        eos_token: this.#tokens.eosToken,
        add_generation_prompt: true,
      });
    } catch (error) {
      throw HearthError.from(error, "bad_chat_template", "chat_template");
    }
  }
}
