// Models on Hugging Face, or on a server that speaks its protocol: `hf:org/name[@revision][:file]`.
// The repository is listed first, so that sizes and hashes are known before anything is downloaded,
// and so that every file comes from one commit, whatever is pushed meanwhile.
// Protocol: https://huggingface.co/docs/hub/api

import { HearthError } from "../errors.js";
import { isNode } from "../store/store.js";
import { atAddress } from "./address.js";
import { type FileSource, type ModelFiles, sourcesOf } from "./model-files.js";
import { pickFiles } from "./pick.js";
import { fetchText, type SmallOptions } from "./small.js";

/** How to reach Hugging Face. */
export interface HuggingFaceOptions {
  /** Instead of `https://huggingface.co`: a mirror's address. In Node also `HF_ENDPOINT`. */
  endpoint?: string;
  /** For gated and private models, sent to that endpoint only. In Node also `HF_TOKEN`. */
  token?: string;
}

export interface HuggingFaceAddress {
  /** `org/name`. */
  repo: string;
  /** Branch, tag or commit. */
  revision: string;
  /** A file, a folder (`sub/`) or a quantization. */
  wanted: string | undefined;
}

interface Listing {
  sha: string;
  license: string | undefined;
  files: Map<string, { size?: number; sha256?: string }>;
}

/** Takes `hf:org/name[@revision][:file]` apart. Throws `invalid_argument`. */
export function parseHuggingFace(model: string): HuggingFaceAddress {
  const parts = /^hf:([^/:@\s]+\/[^/:@\s]+)(?:@([^:\s]+))?(?::([^\s].*))?$/.exec(model);
  const [, repo, revision = "main", wanted] = parts ?? [];
  if (repo !== undefined) return { repo, revision, wanted };
  throw new HearthError(
    "invalid_argument",
    `${model} is not hf:organization/name, with @revision or :file after it where wanted.`,
    { subject: model },
  );
}

/**
 * The files of a model on Hugging Face. Without a file the repository's own weights are taken, of GGUF
 * files a usual quantization; `:Q8_0` names one of those by its quantization, `:sub/` a folder.
 *
 * Throws `invalid_argument`, `not_found`, `http_status` (401 and 403: a token is needed),
 * `connection_lost`, `malformed_json`.
 */
export async function resolveHuggingFace(
  model: string,
  options: HuggingFaceOptions & SmallOptions = {},
): Promise<ModelFiles> {
  const { repo, revision, wanted } = parseHuggingFace(model);
  const endpoint = endpointOf(options);
  const token = tokenOf(options);
  const small = { ...options, token };
  const at = `${endpoint}/api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const listing = parseListing(await fetchText(at, small), at);
  const base = `${endpoint}/${repo}/resolve/${listing.sha}/`;
  const folder = wanted?.endsWith("/") ? wanted : "";
  const names = [...listing.files.keys()]
    .filter((name) => name.startsWith(folder))
    .map((name) => name.slice(folder.length));
  const picked = await pickFiles(names, {
    subject: model,
    wanted: folder === "" ? wanted : undefined,
    read: (name) => fetchText(base + encodePath(folder + name), small),
  });
  const source = async (name: string): Promise<FileSource> => {
    const path = folder + name;
    const known = listing.files.get(path);
    const found = await atAddress(new URL(base + encodePath(path)), known?.sha256);
    return { ...found, ...known, ...(token === undefined ? {} : { token }) };
  };
  const { license } = listing;
  return {
    name: repo.slice(repo.indexOf("/") + 1),
    ...(await sourcesOf(picked, source)),
    ...(license === undefined ? {} : { license }),
  };
}

/** The server, without a slash at its end. Throws `invalid_argument`. */
export function endpointOf({ endpoint }: HuggingFaceOptions): string {
  const given = endpoint ?? environment("HF_ENDPOINT") ?? "https://huggingface.co";
  if (/^https?:\/\/[^/]/i.test(given)) return given.replace(/\/+$/, "");
  throw new HearthError("invalid_argument", `${given} is not the address of a server.`, {
    subject: "huggingFace.endpoint",
  });
}

export function tokenOf({ token }: HuggingFaceOptions): string | undefined {
  return token ?? environment("HF_TOKEN");
}

function environment(name: string): string | undefined {
  return (isNode() && process.env[name]) || undefined;
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Reads the answer of `api/models/…?blobs=true`. Throws `malformed_json`. */
function parseListing(text: string, url: string): Listing {
  let root: Record<string, unknown> | null;
  try {
    root = JSON.parse(text) as typeof root;
  } catch (cause) {
    throw malformed(url, cause);
  }
  const { sha, siblings, cardData } = root ?? {};
  if (typeof sha !== "string" || !/^[0-9a-f]{12,64}$/.test(sha) || !Array.isArray(siblings)) {
    throw malformed(url);
  }
  const listing: Listing = { sha, license: licenseOf(cardData), files: new Map() };
  for (const entry of siblings as Record<string, unknown>[]) {
    const { rfilename, size, lfs } = entry ?? {};
    if (typeof rfilename !== "string" || !isInside(rfilename)) throw malformed(url);
    const { sha256 } = (lfs ?? {}) as { sha256?: unknown };
    listing.files.set(rfilename, {
      ...(Number.isSafeInteger(size) && (size as number) >= 0 ? { size: size as number } : {}),
      ...(typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256) ? { sha256 } : {}),
    });
  }
  return listing;
}

function licenseOf(card: unknown): string | undefined {
  const license = (card as { license?: unknown } | null | undefined)?.license;
  if (Array.isArray(license)) return license.filter((one) => typeof one === "string").join(", ");
  return typeof license === "string" ? license : undefined;
}

/** Whether a path stays inside its folder. */
function isInside(path: string): boolean {
  return (
    path !== "" && path.split("/").every((part) => part !== "" && part !== ".." && part !== ".")
  );
}

function malformed(url: string, cause?: unknown): HearthError {
  return new HearthError("malformed_json", `${url} did not answer with a list of files.`, {
    subject: url,
    cause,
  });
}
