// The bytes of one file on their way into the store: appended, hashed, counted and noted, whichever
// address they come from.

import type { IHasher } from "hash-wasm";
import { HearthError, throwIfAborted } from "../errors.js";
import type { PartialFile, PartialNote } from "../store/store.js";
import type { EnsureOptions } from "./ensure.js";
import type { FileSource } from "./model-files.js";
import { hashFile, newSha256 } from "./sha256.js";

// What a crash may cost: whichever of the two comes first is brought to the disk and noted.
const kCheckpointBytes = 16 << 20;
const kCheckpointTime = 1_000; // milliseconds

// How many first bytes are checked to begin with: the headers of most files without a vocabulary.
const kHeadBytes = 64 << 10;

// Milliseconds between two reports: faster than the eye, slow enough to cost nothing.
const kReportTime = 50;

/** The version of the file that an address serves. */
export interface Version {
  etag?: string;
  lastModified?: string;
}

/** A file being downloaded. */
export class Transfer {
  /** Bytes of the file that are stored and hashed. */
  loaded = 0;
  /** Bytes of the whole file; 0 while unknown. */
  total: number;
  /** Bytes that came over the network. */
  downloaded = 0;
  private resumedFrom = 0;
  /** Whether some of the bytes came from an earlier call or another address. */
  private mixed = false;
  private url = "";
  private version: Version = {};
  private unsaved = 0;
  private savedAt = 0;
  private reportedAt = 0;
  /** First bytes that the check waits for; 0 when it is content. */
  private headBytes = kHeadBytes;

  private constructor(
    readonly source: FileSource,
    private readonly partial: PartialFile,
    private readonly hasher: IHasher,
    private readonly options: EnsureOptions,
  ) {
    this.total = source.size ?? 0;
  }

  /**
   * Takes up what an earlier download left, if it belongs to the file that is promised now: all of it
   * when a hash will tell whether it survived, else what the last checkpoint vouches for. It is read
   * and hashed.
   */
  static async begin(
    partial: PartialFile,
    source: FileSource,
    options: EnsureOptions,
  ): Promise<Transfer> {
    const transfer = new Transfer(source, partial, (await newSha256()).init(), options);
    const note = partial.note;
    const vouched = note?.sha256 === undefined ? (note?.bytes ?? 0) : partial.size;
    const trusted = Math.min(partial.size, vouched);
    const fits = note?.sha256 === source.sha256 && trusted <= (source.size ?? trusted);
    const usable = note !== undefined && fits && trusted > 0;
    if (partial.size > (usable ? trusted : 0)) await partial.truncate(usable ? trusted : 0);
    if (usable) {
      if (!(await hashFile(transfer.hasher, partial, trusted, options.signal))) {
        await transfer.restart();
        return transfer;
      }
      transfer.loaded = trusted;
      transfer.resumedFrom = trusted;
      transfer.mixed = true;
      transfer.total = source.size ?? note.size ?? 0;
      transfer.url = note.url;
      if (note.etag !== undefined) transfer.version.etag = note.etag;
      if (note.lastModified !== undefined) transfer.version.lastModified = note.lastModified;
    }
    return transfer;
  }

  /**
   * Whether an address can go on from what is here: any can when the content is promised by its hash,
   * else only the same address, and only if it says which version it serves.
   */
  continues(url: string): boolean {
    if (this.loaded === 0) return false;
    return this.source.sha256 !== undefined || this.validators(url) !== undefined;
  }

  /** What the address said of the version that the bytes here belong to. */
  validators(url: string): Version | undefined {
    const { etag, lastModified } = this.version;
    return url === this.url && (etag ?? lastModified) !== undefined ? this.version : undefined;
  }

  /** From here on bytes come from `url`, in this version, `total` in all (0 when unknown). */
  from(url: string, version: Version, total: number): void {
    if (this.loaded > 0 && url !== this.url) this.mixed = true;
    this.url = url;
    this.version = version;
    this.total = this.source.size ?? total;
    this.report(true);
  }

  /** Throws everything away that is here. */
  async restart(): Promise<void> {
    await this.partial.truncate(0);
    this.hasher.init();
    this.loaded = 0;
    this.resumedFrom = 0;
    this.mixed = false;
    this.headBytes = kHeadBytes;
  }

  /** Adds the next bytes. Throws `checksum_mismatch` when they are more than promised. */
  async append(bytes: Uint8Array): Promise<void> {
    throwIfAborted(this.options.signal);
    const { size, name } = this.source;
    if (size !== undefined && this.loaded + bytes.length > size) {
      await this.restart();
      throw new HearthError("checksum_mismatch", `${name} is longer than its ${size} bytes.`, {
        subject: name,
      });
    }
    await this.partial.append(bytes);
    this.hasher.update(bytes);
    this.loaded += bytes.length;
    this.unsaved += bytes.length;
    this.report(false);
    await this.checkHead();
    if (this.unsaved >= kCheckpointBytes || Date.now() - this.savedAt >= kCheckpointTime) {
      await this.checkpoint();
    }
  }

  /** Tells of bytes that are on their way but not here yet, for sources that deliver at the end. */
  announce(loaded: number): void {
    this.report(false, loaded);
  }

  /** Notes what is here for the next download, as well as the store still lets us. */
  async keep(): Promise<void> {
    if (this.loaded === 0) return this.partial.discard().catch(() => {});
    await this.checkpoint().catch(() => {}); // a full disk may refuse even this; the cause is thrown
  }

  /**
   * Verifies the whole file and makes it visible. What is wrong with it is returned, after it was
   * thrown away; `mixed` tells whether some of it came from an earlier call or another address.
   */
  async finish(url: string): Promise<{ error: HearthError; mixed: boolean } | undefined> {
    const { size, sha256, name } = this.source;
    const found = this.hasher.digest("hex");
    this.report(true);
    if ((sha256 ?? found) === found && (size ?? this.loaded) === this.loaded) {
      await this.partial.commit({ size: this.loaded, sha256: found, url });
      return undefined;
    }
    const { mixed } = this;
    await this.restart();
    const message = `${name} from ${url} has SHA-256 ${found}, not ${sha256}.`;
    return { error: new HearthError("checksum_mismatch", message, { subject: name }), mixed };
  }

  /** Shows the check the first bytes, once there are as many as it wants. */
  private async checkHead(): Promise<void> {
    const { check, signal } = this.options;
    if (check === undefined || this.total === 0) return;
    while (this.headBytes > 0) {
      const wanted = Math.min(this.headBytes, this.total);
      if (this.loaded < wanted) return;
      const head = new Uint8Array(wanted);
      for (let at = 0; at < wanted; ) at += await this.partial.read(head.subarray(at), at);
      throwIfAborted(signal);
      try {
        this.headBytes = await check(head, this.total);
      } catch (thrown) {
        throwIfAborted(signal);
        const { code } = HearthError.from(thrown);
        // Where the content is promised, wrong bytes show at the end, and another address may have
        // the right ones; but no address has a smaller model.
        if (this.source.sha256 !== undefined && code !== "out_of_memory") {
          this.headBytes = 0;
          return;
        }
        // What an earlier call left was worth keeping then, and may be under another limit.
        if (this.resumedFrom === 0) await this.restart();
        throw thrown;
      }
    }
  }

  private async checkpoint(): Promise<void> {
    const note: PartialNote = { url: this.url, ...this.version, bytes: this.loaded };
    if (this.total > 0) note.size = this.total;
    if (this.source.sha256 !== undefined) note.sha256 = this.source.sha256;
    await this.partial.checkpoint(note);
    this.unsaved = 0;
    this.savedAt = Date.now();
  }

  private report(always: boolean, loaded = this.loaded): void {
    if (this.options.onProgress === undefined) return;
    const now = Date.now();
    if (!always && now - this.reportedAt < kReportTime) return;
    this.reportedAt = now;
    this.options.onProgress({ loaded, total: this.total, resumedFrom: this.resumedFrom });
  }
}
