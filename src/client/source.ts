// What is sent: a file by its path, a Blob or a stream of known size, read piece by piece into the
// sender's own buffers. A file that changes while it is read is noticed, never sent half old and
// half new. A file that is deleted meanwhile is still whole for whoever has it open.

import { constants } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { cleanFileName, visible } from "../names.ts";

/** What can be sent: a path, a `Blob` (`Bun.file()` too), or a stream whose size is known. */
export type FileSource = string | Blob | StreamSource;

export interface StreamSource {
  readonly name: string;
  /** In bytes; the stream must have exactly as many. */
  readonly size: number;
  readonly stream: ReadableStream<Uint8Array>;
  readonly mediaType?: string;
}

/** An opened source. One call at a time; all reject with `FILE_UNREADABLE`. */
export interface OpenSource {
  readonly name: string;
  readonly size: number;
  readonly mediaType: string | undefined;
  /** Fills the views, in order, with the next bytes; returns how many, 0 only at the end. */
  read(views: readonly Uint8Array[]): Promise<number>;
  /** Goes on with that byte; undefined where there is no way back. */
  readonly seek: ((to: number) => void) | undefined;
  /** To be asked after the last byte: rejects when it is not what it was at the beginning. */
  verify(): Promise<void>;
  /** What is being read is not wanted any more; a read that waits for its stream ends. */
  stop?(): void;
  close(): Promise<void>;
}

/** Opens what is to be sent. Rejects with `FILE_UNREADABLE` or `FILE_TOO_LARGE`. */
export async function openSource(source: FileSource, name?: string): Promise<OpenSource> {
  const opened =
    typeof source === "string"
      ? await openFile(source)
      : source instanceof Blob
        ? await openBlob(source)
        : openStream(source);
  if (opened.size > LIMITS.fileBytesMax || !Number.isSafeInteger(opened.size) || opened.size < 0) {
    await opened.close();
    const text = `${visible(opened.name)}: expected up to ${LIMITS.fileBytesMax} bytes`;
    throw new ChatFusionError("FILE_TOO_LARGE", `${text}, got ${opened.size}`);
  }
  return { ...opened, name: cleanFileName(name ?? opened.name) };
}

// --- internal -----------------------------------------------------------------------------------

async function openFile(path: string): Promise<OpenSource> {
  const name = basename(path);
  try {
    // Before it is opened: opening a pipe would wait for somebody who writes to it.
    refuseOther(path, await stat(path));
    const file = await open(path, constants.O_RDONLY);
    const begun = await file.stat({ bigint: true });
    if (!begun.isFile()) {
      await file.close();
      refuseOther(path, begun);
    }
    if (begun.size === 0n && (await file.read(new Uint8Array(1), 0, 1, 0)).bytesRead > 0) {
      await file.close();
      throw unreadable(path, "the system makes it as it is read, of no size: send a copy of it");
    }
    return fileSource(file, { path, name, begun });
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

function fileSource(
  file: FileHandle,
  { path, name, begun }: { readonly path: string; readonly name: string; readonly begun: Stamp },
): OpenSource {
  const size = Number(begun.size);
  let at = 0;
  return {
    name,
    size,
    mediaType: mediaTypeOf(Bun.file(path).type),
    async read(views) {
      try {
        const { bytesRead } = await file.readv([...views], at);
        at += bytesRead;
        return bytesRead;
      } catch (thrown) {
        throw unreadable(path, thrown);
      }
    },
    seek(to) {
      at = to;
    },
    async verify() {
      const now = await file.stat({ bigint: true }).catch((thrown: unknown) => {
        throw unreadable(path, thrown);
      });
      if (now.size === begun.size && now.mtimeNs === begun.mtimeNs) return;
      const what = now.size === begun.size ? "" : `, ${begun.size} bytes are now ${now.size}`;
      throw unreadable(path, CHANGED + what);
    },
    close: () => file.close(),
  };
}

async function openBlob(blob: Blob): Promise<OpenSource> {
  const path = "name" in blob && typeof blob.name === "string" ? blob.name : "";
  const name = basename(path) === "" ? "file" : basename(path);
  const begun = await statOf(path, blob);
  if (begun !== undefined) refuseOther(path, begun);
  let at = 0;
  return {
    name,
    size: blob.size,
    mediaType: mediaTypeOf(blob.type),
    async read(views) {
      const wanted = views.reduce((sum, view) => sum + view.length, 0);
      try {
        const bytes = new Uint8Array(await blob.slice(at, at + wanted).arrayBuffer());
        at += bytes.length;
        fill(views, bytes);
        return bytes.length;
      } catch (thrown) {
        throw unreadable(name, thrown);
      }
    },
    seek(to) {
      at = to;
    },
    async verify() {
      const now = await statOf(path, blob);
      if (now?.size === begun?.size && now?.mtimeMs === begun?.mtimeMs) return;
      throw unreadable(path, CHANGED);
    },
    close: () => Promise.resolve(),
  };
}

/** Of the file that a blob stands for (`Bun.file`); undefined for one that is in memory. */
async function statOf(path: string, blob: Blob & Partial<Pick<Bun.BunFile, "stat">>) {
  try {
    return await blob.stat?.();
  } catch (thrown) {
    throw unreadable(path, thrown);
  }
}

function openStream({ name, size, stream, mediaType }: StreamSource): OpenSource {
  const reader = stream.getReader();
  let rest = new Uint8Array(0);
  /** Returns how many bytes there are now, 0 only at the end. */
  const fillRest = async (): Promise<number> => {
    try {
      while (rest.length === 0) {
        const { done, value } = await reader.read();
        if (done) return 0;
        rest = new Uint8Array(value);
      }
    } catch (thrown) {
      throw unreadable(name, thrown);
    }
    return rest.length;
  };
  return {
    name,
    size,
    mediaType,
    async read(views) {
      await fillRest();
      const taken = fill(views, rest);
      rest = rest.subarray(taken);
      return taken;
    },
    seek: undefined,
    async verify() {
      if ((await fillRest()) === 0) return;
      throw unreadable(name, `it has more than the ${size} bytes that were said`);
    },
    stop: () => void reader.cancel().catch(() => undefined), // nobody reads it any more
    close: () => reader.cancel(),
  };
}

/** Copies bytes into the views, as far as they go; returns how many. */
function fill(views: readonly Uint8Array[], bytes: Uint8Array): number {
  let at = 0;
  for (const view of views) {
    const piece = bytes.subarray(at, at + view.length);
    view.set(piece);
    at += piece.length;
    if (piece.length < view.length) break;
  }
  return at;
}

const CHANGED = "it was changed while it was read";

interface Kind {
  isFile(): boolean;
  isDirectory(): boolean;
}

function refuseOther(path: string, kind: Kind): void {
  if (kind.isFile()) return;
  const what = kind.isDirectory() ? "a folder" : "no ordinary file";
  throw unreadable(path, `expected a file, this is ${what}`);
}

function mediaTypeOf(type: string): string | undefined {
  const plain = type.split(";")[0] ?? "";
  return plain === "" || plain.length > LIMITS.mediaTypeBytesMax ? undefined : plain;
}

function unreadable(path: string, why: unknown): ChatFusionError {
  if (why instanceof ChatFusionError) return why;
  const code = why instanceof Error && "code" in why ? String(why.code) : "";
  const text = typeof why === "string" ? why : (texts[code] ?? String(why));
  return new ChatFusionError("FILE_UNREADABLE", `${visible(path)}: ${visible(text)}`, why);
}

const texts: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "it may not be read (permission denied)",
  ENOTDIR: "no such file",
  EIO: "the disk cannot read it (input/output error)",
  ESTALE: "it is gone",
  EMFILE: "too many files are open",
};
