export interface FileSource {
  key: string;
  name: string;
  size?: number;
  sha256?: string;
  urls: string[];
  path?: string;
  blob?: Blob;
}
export interface ModelFiles {
  name: string;
  weights: FileSource[];
  config?: FileSource;
  tokenizer?: FileSource;
  tokenizerConfig?: FileSource;
}
export declare function resolveModel(
  model: string | File | ModelFiles,
  context: { baseUrl?: string; cacheDir?: string; signal?: AbortSignal },
): Promise<ModelFiles>;
