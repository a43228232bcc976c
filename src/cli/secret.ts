// Passwords from people: typed without echo, or read from a file or a pipe. Never an argument:
// others on the machine can see those.

import { readFile } from "node:fs/promises";
import { ChatFusionError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import { readLines } from "../serve/lines.ts";

export interface SecretOptions {
  /** Its first line is the password; "-" is stdin. */
  readonly file?: string | undefined;
  /** Asked a second time, for a password that is new. */
  readonly twice: boolean;
  readonly prompt: string;
  /**
   * The terminal goes on showing nothing of what is typed, until the caller ends it with
   * `stdin.setRawMode(false)`: another try may follow, and be typed ahead.
   */
  readonly staysQuiet?: boolean;
}

/** Gets a password. Throws `USAGE` when none comes, when two differ, or when it is too long. */
export async function readSecret(options: SecretOptions): Promise<string> {
  const { file, twice, prompt, staysQuiet = false } = options;
  if (file !== undefined && file !== "-") return checked(firstLine(await readSecretFile(file)));
  if (file === "-" || !process.stdin.isTTY) return checked(await pipedLine());
  const prompts = twice ? [`${prompt}: `, `${prompt}, again: `] : [`${prompt}: `];
  const [secret = "", again = secret] = await typeSecrets(prompts, staysQuiet);
  if (again === secret) return checked(secret);
  throw new ChatFusionError("USAGE", "the two passwords differ; nothing was changed");
}

// --- internal ------------------------------------------------------------------------------------

function checked(secret: string): string {
  if (secret === "")
    throw new ChatFusionError("USAGE", "password: expected at least one character");
  const bytes = Buffer.byteLength(secret);
  if (bytes <= LIMITS.passwordBytesMax) return secret;
  const text = `password: expected up to ${LIMITS.passwordBytesMax} bytes, got ${bytes}`;
  throw new ChatFusionError("USAGE", text);
}

/** Without the mark of its encoding, which some editors put before it. */
const firstLine = (text: string): string => text.replace(/^\ufeff/, "").split(/\r?\n/, 1)[0] ?? "";

async function readSecretFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ChatFusionError("USAGE", `--password-file: ${visible(why)}`, thrown);
  }
}

async function pipedLine(): Promise<string> {
  for await (const line of readLines(process.stdin)) {
    if (typeof line === "string") return line;
    break;
  }
  return "";
}

/**
 * Reads a line for each prompt, in raw mode from before the first prompt to after the last line:
 * in between, the terminal would show what is typed ahead.
 */
function typeSecrets(prompts: readonly string[], staysQuiet: boolean): Promise<readonly string[]> {
  const { stdin } = process;
  const lines: string[] = [];
  let typed: string[] = [];
  stdin.setRawMode(true);
  stdin.resume();
  process.stderr.write(prompts[0] ?? "");
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      stdin.off("data", take);
      if (!staysQuiet) stdin.setRawMode(false);
      stdin.pause();
      settle();
    };
    const take = (chunk: Buffer | string) => {
      for (const key of chunk.toString()) {
        if (key === "\x03" || key === "\x04") {
          process.stderr.write("\n");
          finish(() => reject(new ChatFusionError("USAGE", "no password was typed")));
          return;
        }
        if (key === "\r" || key === "\n") {
          lines.push(typed.join(""));
          typed = [];
          process.stderr.write(`\n${prompts[lines.length] ?? ""}`);
          if (lines.length < prompts.length) continue;
          finish(() => resolve(lines));
          return;
        }
        if (key === "\x7f" || key === "\b") typed.pop();
        else if (key === "\x15") typed = [];
        else if (key >= " " && typed.length <= LIMITS.passwordBytesMax) typed.push(key);
      }
    };
    stdin.on("data", take);
  });
}
