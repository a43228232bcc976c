// A file that is being received, on the disk: first under a name of our own, then, when all of it
// is there and right, under the cleaned name that the sender gave it (security F1).
// Invariants: 1. Nothing that exists is ever written to, replaced or followed, links included.
// 2. A file with its final name is whole. 3. What is given up leaves nothing behind; of a program
// that was killed the next download after LIMITS.partKeptMsMax does away with it.

import { constants } from "node:fs";
import { link, lstat, mkdir, open, readdir, realpath } from "node:fs/promises";
import { rename, rm, stat, statfs } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Bytes } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { cleanFileName, visible } from "../names.ts";

export interface DownloadOptions {
  /** Made when it is not there. May be a link: that is its owner's wish. */
  readonly folder: string;
  /** As the sender said it. */
  readonly name: string;
  readonly size: number;
}

/** An open download. One call at a time; all reject with `FILE_UNWRITABLE`. */
export interface Download {
  /** Appends. The bytes may be used again when it resolves. */
  write(bytes: Bytes): Promise<void>;
  /** Gives the file its final name; resolves to its path. The last call. */
  keep(): Promise<string>;
  /** Removes it. The last call. */
  discard(): Promise<void>;
}

/** Prepares a download. Rejects with `FILE_UNWRITABLE`, also where the disk has too little room. */
export async function openDownload({ folder, name, size }: DownloadOptions): Promise<Download> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // What the folder is now: a link planted later in its place is not followed.
    const real = await realpath(folder);
    await removeOrphans(real);
    const { blocks, bavail, bsize } = await statfs(real);
    // Some file systems do not know their size: of those it is seen while it is written.
    if (blocks > 0 && bavail * bsize < size) {
      const text = `expected room for ${size} bytes, the disk has ${bavail * bsize}`;
      throw new ChatFusionError("FILE_UNWRITABLE", `${visible(folder)}: ${text}`);
    }
    const path = join(real, `.chatfusion-${crypto.randomUUID()}.part`);
    const file = await open(path, createFlags, 0o600);
    return new PartialFile(file, { folder: real, path, name, identity: await identityOf(real) });
  } catch (thrown) {
    throw unwritable(folder, thrown);
  }
}

// --- internal -----------------------------------------------------------------------------------

const partName = /^\.chatfusion-[0-9a-f-]{36}\.part$/;

/** Removes what programs that were killed have left. It is in nobody's way: never rejects. */
async function removeOrphans(folder: string): Promise<void> {
  const parts = (await readdir(folder).catch(() => [])).filter((name) => partName.test(name));
  const oldest = Date.now() - LIMITS.partKeptMsMax;
  await Promise.all(
    parts.map(async (name) => {
      const path = join(folder, name);
      const found = await lstat(path).catch(() => undefined);
      const isOrphan = found?.isFile() === true && found.mtimeMs < oldest;
      // It may be somebody else's, or just gone.
      if (isOrphan) await rm(path).catch(() => undefined);
    }),
  );
}

const createFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly name: string;
  /** Of the folder: device and inode. */
  readonly identity: string;
}

class PartialFile implements Download {
  readonly #file: FileHandle;
  readonly #place: Place;

  constructor(file: FileHandle, place: Place) {
    this.#file = file;
    this.#place = place;
  }

  async write(bytes: Bytes): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const { bytesWritten } = await this.#file
        .write(bytes, at, bytes.length - at)
        .catch((thrown: unknown) => {
          throw unwritable(this.#place.folder, thrown);
        });
      if (bytesWritten === 0) throw unwritable(this.#place.folder, "the disk takes nothing");
      at += bytesWritten;
    }
  }

  async keep(): Promise<string> {
    const { folder, path, identity } = this.#place;
    try {
      // A full disk of a network may only say so here.
      await this.#file.close();
      if ((await identityOf(folder)) !== identity) {
        throw unwritable(folder, "the folder was exchanged for another one meanwhile");
      }
      return await giveName(this.#place);
    } catch (thrown) {
      throw unwritable(folder, thrown);
    } finally {
      await rm(path, { force: true });
    }
  }

  async discard(): Promise<void> {
    const { folder, path } = this.#place;
    try {
      await this.#file.close();
    } catch (thrown) {
      throw unwritable(folder, thrown);
    } finally {
      await rm(path, { force: true });
    }
  }
}

async function identityOf(folder: string): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true });
  return `${dev}:${ino}`;
}

/** Tries "name.ext", "name (2).ext" and so on, until one is free. */
async function giveName({ folder, path, name }: Place): Promise<string> {
  for (let copy = 1; copy <= LIMITS.fileCopiesMax; copy++) {
    const target = join(folder, copyName(name, copy));
    if (await claimName(path, target)) return target;
  }
  throw unwritable(folder, `${LIMITS.fileCopiesMax} files are called ${visible(name)} already`);
}

function copyName(name: string, copy: number): string {
  if (copy === 1) return cleanFileName(name);
  const mark = ` (${copy})`;
  const clean = cleanFileName(name, LIMITS.fileNameBytesMax - mark.length);
  const extension = extname(clean);
  return `${clean.slice(0, clean.length - extension.length)}${mark}${extension}`;
}

/** False when something is there already; a link counts as something, wherever it leads. */
async function claimName(path: string, target: string): Promise<boolean> {
  try {
    await link(path, target);
    return true;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "EEXIST") return false;
    if (!withoutLinks.has(code)) throw thrown;
  }
  // A file system without hard links: an empty file of our own holds the name, and is replaced.
  try {
    const held = await open(target, createFlags, 0o600);
    await held.close();
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST") return false;
    throw thrown;
  }
  await rename(path, target);
  return true;
}

const withoutLinks: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";

function unwritable(folder: string, why: unknown): ChatFusionError {
  if (why instanceof ChatFusionError) return why;
  const text = typeof why === "string" ? why : (texts[codeOf(why)] ?? String(why));
  return new ChatFusionError("FILE_UNWRITABLE", `${visible(folder)}: ${visible(text)}`, why);
}

const texts: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file is larger than this disk can hold",
  EACCES: "it may not be written to (permission denied)",
  EROFS: "it is on a disk that may only be read",
  ENOTDIR: "expected a folder, something else is in its place",
  EEXIST: "expected a folder, something else is in its place",
  ENOENT: "the folder is gone",
  EIO: "the disk cannot write it (input/output error)",
};
