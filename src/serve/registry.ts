// The servers that run on this machine, for those who know one by name: a small file for each, in
// a folder that only its owner can enter. A hint, not the truth: an entry whose process is gone, or
// whose admin socket nobody answers, is removed by whoever meets it. Next: admin.ts.

import { lstat, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { ChatFusionError } from "../errors.ts";
import { nameKey, parseServerName, visible } from "../names.ts";

/** A server that runs on this machine. */
export interface RunningServerEntry {
  readonly name: string;
  readonly pid: number;
  /** Where it listens; may be "0.0.0.0". */
  readonly host: string;
  readonly port: number;
  /** Its data folder, absolute. */
  readonly data: string;
  /** Its admin socket, absolute. */
  readonly admin: string;
}

/**
 * Returns the folder of this user's running servers: `CHATFUSION_RUNTIME_DIR`, else one in
 * `XDG_RUNTIME_DIR`, else one in the folder for temporary files. It may not exist yet.
 */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { CHATFUSION_RUNTIME_DIR: own = "", XDG_RUNTIME_DIR: xdg = "" } = env;
  if (own !== "") return own;
  if (isAbsolute(xdg)) return join(xdg, "chatfusion");
  return join(tmpdir(), `chatfusion-${process.getuid?.() ?? "user"}`);
}

/**
 * Makes the folder, readable by its owner only, and returns it. Throws `CANNOT_LISTEN` where it
 * belongs to somebody else, or where others may look into it: they could plant entries.
 */
export async function makeRuntimeFolder(folder: string = runtimeFolder()): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkRuntimeFolder(folder);
  return folder;
}

/** Tells others on this machine of a server; returns what takes it back, idempotent. */
export async function registerServer(
  entry: RunningServerEntry,
  folder: string = runtimeFolder(),
): Promise<() => Promise<void>> {
  await makeRuntimeFolder(folder);
  const path = join(folder, `${entryKey(entry.data)}.json`);
  const draft = `${path}.${process.pid}`;
  await rm(draft, { force: true });
  // "wx" follows no link that somebody left there.
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(entry)}\n`);
  } finally {
    await file.close();
  }
  await rename(draft, path);
  return async () => {
    const current = await readEntry(path);
    if (current?.pid === entry.pid) await rm(path, { force: true });
  };
}

/** Returns the servers that run here, by name. Entries of those that are gone are removed. */
export async function listServers(
  folder: string = runtimeFolder(),
): Promise<readonly RunningServerEntry[]> {
  const names = await entriesOf(folder);
  if (names.length === 0) return [];
  await checkRuntimeFolder(folder);
  const found = await Promise.all(names.map((name) => liveEntry(join(folder, name))));
  return found
    .filter((entry) => entry !== undefined)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.port - b.port));
}

/**
 * Returns the server of that name which runs here, undefined when none does. Throws `USAGE`, with
 * their addresses, when several of that name do.
 */
export async function findServer(
  name: string,
  folder: string = runtimeFolder(),
): Promise<RunningServerEntry | undefined> {
  const key = keyOf(name);
  if (key === undefined) return undefined;
  const found = (await listServers(folder)).filter((entry) => keyOf(entry.name) === key);
  if (found.length <= 1) return found[0];
  const all = found.map((entry) => `${addressOf(entry)} (pid ${entry.pid})`).join(", ");
  const what = `${found.length} servers named "${visible(name)}" run on this machine`;
  throw new ChatFusionError("USAGE", `${what}: ${all}; expected HOST:PORT of one of them`);
}

/** Returns where a server of this machine is reached from this machine. */
export function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** Writes `host:port` as it can be typed, from this machine. */
export function addressOf(at: { readonly host: string; readonly port: number }): string {
  const host = reachableHost(at.host);
  return host.includes(":") ? `[${host}]:${at.port}` : `${host}:${at.port}`;
}

/** Tells whether somebody listens at a Unix socket. */
export function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => settle(true));
    // Whatever the error is: nobody answers. ECONNREFUSED and ENOENT are what is expected.
    socket.once("error", () => settle(false));
  });
}

/** A name of a data folder that fits a file name: one server runs in one data folder. */
export function entryKey(data: string): string {
  return new Bun.CryptoHasher("sha256").update(data).digest("hex").slice(0, 16);
}

// --- internal ------------------------------------------------------------------------------------

const Entry = v.object({
  name: v.string(),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  host: v.string(),
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  data: v.string(),
  admin: v.string(),
});

async function checkRuntimeFolder(folder: string): Promise<void> {
  const about = await lstat(folder);
  const uid = process.getuid?.();
  const name = `runtime folder "${visible(folder)}"`;
  const refuse = (text: string) => new ChatFusionError("CANNOT_LISTEN", `${name}: ${text}`);
  if (!about.isDirectory()) throw refuse("expected a folder, got something else");
  if (uid === undefined) return;
  if (about.uid !== uid) throw refuse(`expected to be its owner (${uid}), it is ${about.uid}'s`);
  if ((about.mode & 0o077) !== 0) {
    const mode = (about.mode & 0o777).toString(8);
    throw refuse(`expected mode 700, got ${mode}: others could plant servers in it`);
  }
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[0-9a-f]{16}\.json$/.test(name));
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

async function liveEntry(path: string): Promise<RunningServerEntry | undefined> {
  const entry = await readEntry(path);
  if (entry !== undefined && isAlive(entry.pid) && (await answers(entry.admin))) return entry;
  await rm(path, { force: true });
  return undefined;
}

async function readEntry(path: string): Promise<RunningServerEntry | undefined> {
  try {
    const parsed = v.safeParse(Entry, JSON.parse(await readFile(path, "utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch (thrown) {
    // Torn by a crash, or gone since the folder was read: both are no entry.
    if (thrown instanceof SyntaxError || isMissing(thrown)) return undefined;
    throw thrown;
  }
}

/** Signal 0 only asks; EPERM says that the process is there, and another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) === "EPERM";
  }
}

function keyOf(name: string): string | undefined {
  try {
    return nameKey(parseServerName(name));
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) return undefined;
    throw thrown;
  }
}

const isMissing = (thrown: unknown): boolean => codeOf(thrown) === "ENOENT";

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
}
