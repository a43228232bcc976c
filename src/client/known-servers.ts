// The certificates of servers that were met before, like SSH's known hosts: no authority vouches
// for them, but whoever changes one is noticed. One line a server: `host:port sha256:HEX DATE`.

import { constants } from "node:fs";
import { mkdir, open, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import type { Bytes } from "../environment.ts";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";

/** What is known of a server's certificate. */
export type Acquaintance =
  { readonly kind: "new" | "known" } | { readonly kind: "changed"; readonly pinned: string };

/** The file `known_servers` of this user: in `XDG_CONFIG_HOME`, `APPDATA` or `~/.config`. */
export function knownServersPath(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CONFIG_HOME: xdg = "", APPDATA: windows = "" } = env;
  const base = [xdg, windows].find((folder) => isAbsolute(folder));
  return join(base ?? join(homedir(), ".config"), "chatfusion", "known_servers");
}

export class KnownServers {
  readonly path: string;
  readonly #pins: Map<string, string>;

  private constructor(path: string, pins: Map<string, string>) {
    this.path = path;
    this.#pins = pins;
  }

  /** Reads the file; without one, nobody is known. Rejects with `FILE_UNREADABLE`. */
  static async load(path: string = knownServersPath()): Promise<KnownServers> {
    return new KnownServers(path, parsePins(path, await textOf(path)));
  }

  /** Tells what is known of `host:port`. */
  compare(where: string, fingerprint: Bytes): Acquaintance {
    const pinned = this.#pins.get(where);
    if (pinned === undefined) return { kind: "new" };
    return pinned === fingerprint.toHex() ? { kind: "known" } : { kind: "changed", pinned };
  }

  /** Pins a certificate from now on. Rejects with `FILE_UNWRITABLE`. */
  async remember(where: string, fingerprint: Bytes): Promise<void> {
    const hex = fingerprint.toHex();
    const line = `${where} sha256:${hex} ${new Date().toISOString().slice(0, 10)}\n`;
    try {
      await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
      // Appended, so that two clients at the same time lose nothing.
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
      const file = await open(this.path, flags, 0o600);
      try {
        await file.write(line);
      } finally {
        await file.close();
      }
    } catch (thrown) {
      const text = thrown instanceof Error ? thrown.message : String(thrown);
      const what = `${visible(this.path)}: the server's certificate cannot be remembered`;
      throw new ChatFusionError("FILE_UNWRITABLE", `${what}: ${text}`, thrown);
    }
    this.#pins.set(where, hex);
  }
}

/** What people are told when a server shows another certificate than before. */
export function certificateChanged(
  where: string,
  { pinned, shown, path }: { pinned: string; shown: string; path: string },
): ChatFusionError {
  const text = [
    `${where}: the server shows another certificate than before: somebody may be listening in,`,
    "or the server was set up anew. Nothing was sent to it.",
    `  known: sha256:${pinned}`,
    `  shown: sha256:${shown}`,
    `If its operator confirms the new one, remove the line "${where} …" from`,
    `${visible(path)} and connect again.`,
  ];
  return new ChatFusionError("CERTIFICATE_CHANGED", text.join("\n"));
}

// --- internal -----------------------------------------------------------------------------------

/** What is in the file; "" where there is none. */
async function textOf(path: string): Promise<string> {
  const refused = (text: string, cause?: unknown) =>
    new ChatFusionError("FILE_UNREADABLE", `${visible(path)}: ${visible(text)}`, cause);
  try {
    const { size } = await stat(path);
    if (size <= LIMITS.knownServersBytesMax) return await readFile(path, "utf8");
    throw refused(`expected up to ${LIMITS.knownServersBytesMax} bytes, got ${size}`);
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) throw thrown;
    const { code, message }: NodeJS.ErrnoException =
      thrown instanceof Error ? thrown : new Error(String(thrown));
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    throw refused(message, thrown);
  }
}

const pinLine = /^(\S+) sha256:([0-9a-f]{64})(?: .*)?$/;

function parsePins(path: string, text: string): Map<string, string> {
  const pins = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, where, pin] = pinLine.exec(line) ?? [];
    if (where === undefined || pin === undefined) {
      // A pin that cannot be read must not look like a server that was never met.
      const place = `${visible(path)}:${index + 1}`;
      const got = visible(line.slice(0, 80));
      const refusal = `${place}: expected "host:port sha256:HEX", got "${got}"`;
      throw new ChatFusionError("FILE_UNREADABLE", refusal);
    }
    // The last word of an operator counts.
    pins.set(where, pin);
  }
  return pins;
}
