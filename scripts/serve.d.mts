import type { IncomingMessage, ServerResponse } from "node:http";

export const appFolder: string;
export function modelFolder(): string;
export type ByteRange = { start: number; end: number } | "whole" | "impossible";
export function parseRange(header: string | undefined, size: number): ByteRange;
export interface ServeOptions {
  port?: number;
  host?: string;
  app?: string;
  models?: string;
  isolated?: boolean;
  intercept?: (request: IncomingMessage, response: ServerResponse) => boolean;
}
export interface Served {
  url: string;
  port: number;
  close(): Promise<void>;
}
export function serve(options?: ServeOptions): Promise<Served>;
