/**
 * Stands in for the package `hearth` while the page itself is worked on: `vite --mode fake`. It has
 * no model; it writes one text, and does what the address asks for: `?fake=slow` downloads slowly,
 * `?fake=fail` fails. Only vite.config.ts refers to it, and only in that mode.
 */
import type { CatalogueEntry, ChatChunk, CreateEngine, Diagnose } from "../src/engine.js";

export const catalogue: { models: CatalogueEntry[] } = {
  models: [
    {
      name: "smollm2-135m-instruct",
      title: "SmolLM2 135M Instruct",
      description: "A very small chat model in English: it starts in seconds and knows little.",
      license: "apache-2.0",
      parameters: 134_515_008,
      weights: { bytes: 98_362_432 },
    },
  ],
};

const answer = `**Paris** is the capital of France. It lies on the *Seine*, and is known for:

1. The **Eiffel Tower**, built in 1889.
2. The Louvre, with
   - the Mona Lisa,
   - the Venus de Milo.
3. Its \`boulangeries\`.

## In code

\`\`\`js
const capital = (country) => ({ France: "Paris", Spain: "Madrid", Italy: "Rome" })[country] ?? "unknown";
\`\`\`

About two million people live there. <b>This is text, not markup.</b>
`;

const wait = (milliseconds: number, signal?: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(Object.assign(new Error("The caller aborted the operation."), { code: "aborted" }));
    });
  });

const asked = new URLSearchParams(globalThis.location?.search).get("fake") ?? "";

export const createEngine: CreateEngine = async ({ onProgress, signal }) => {
  const total = 98_362_432;
  const steps = asked === "slow" ? 400 : 10;
  for (let step = 1; step <= steps; step++) {
    await wait(50, signal);
    onProgress({
      phase: "download",
      loaded: (total * step) / steps,
      total,
      bytesPerSecond: 24.3e6,
      secondsLeft: (total * (1 - step / steps)) / 24.3e6,
    });
    if (asked === "fail" && step === 5) {
      throw Object.assign(
        new Error("The server answered 404 for SmolLM2-135M-Instruct.Q4_1.gguf."),
        {
          code: "not_found",
          subject: "SmolLM2-135M-Instruct.Q4_1.gguf",
        },
      );
    }
  }
  return {
    info: {
      name: "SmolLM2 135M Instruct",
      model: {
        ...{ parameters: 134_515_008, contextLength: 2048 },
        ...{ weightBytes: 96_576_768, activationBytes: 3_145_728, kvBytes: 47_185_920 },
      },
      device: "wasm",
      reason: "WebGPU runs in software here (SwiftShader), which is slower than WebAssembly.",
      variant: "relaxed-mt",
      threads: 2,
      source: "network",
      downloadedBytes: total,
      loadSeconds: 1.4,
    },
    chat: {
      completions: {
        async create(_request, options) {
          async function* stream(): AsyncGenerator<ChatChunk> {
            await wait(400, options?.signal);
            const pieces = answer.match(/\s*\S+/g) ?? [];
            for (const content of pieces) {
              yield { choices: [{ delta: { content } }] };
              await wait(40, options?.signal);
            }
            yield { choices: [{ delta: {}, finish_reason: "stop" }] };
            yield {
              choices: [],
              usage: { prompt_tokens: 40, completion_tokens: pieces.length },
              hearth: {
                prefillSeconds: 0.4,
                decodeSeconds: pieces.length / 25,
                tokensPerSecond: 25,
              },
            };
          }
          return stream();
        },
      },
    },
    close() {},
  };
};

const kernels = ["add.plain", "matvec.q4.subgroups", "attention_split.f16.subgroups", "embed.q4"];

export const diagnose: Diagnose = async ({ onProgress, signal }) => {
  for (const [done, kernel] of kernels.entries()) {
    onProgress({ phase: "check", kernel, done, total: kernels.length });
    await wait(asked === "slow" ? 2000 : 200, signal);
  }
  return {
    adapter: {
      description: "nvidia ampere NVIDIA A10",
      features: ["subgroups", "shader-f16", "dot8"],
      software: false,
    },
    kernels: kernels.map((name, i) => ({
      ...{ name, ok: asked !== "fail" || i > 0, error: i * 1e-4, tolerance: 5e-3 },
      ...(name.startsWith("matvec") ? { bytesPerSecond: 431e9 } : {}),
    })),
  };
};
