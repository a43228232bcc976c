// The admin socket: a server's console from another terminal. A Unix socket that its owner alone
// can open; whoever can open it is the operator. One JSON object a line in each direction:
//   → {"words":["merge","lyon"]}   ← {"ok":true,"text":"…","data":…}
//                                  ← {"ok":false,"code":"NAME_TAKEN","text":"…"}
// A connection's commands are run one after another, and the next is read when the answer to the
// one before has left: nothing piles up.

import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import * as v from "valibot";
import { ChatFusionError, failure, isFailure, type Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { visible } from "../names.ts";
import type { CommandResult } from "../plugin/context.ts";
import { readLines, TOO_LONG } from "./lines.ts";
import { entryKey, runtimeFolder } from "./registry.ts";

export type Answer = CommandResult | Failure;

export interface AdminSocket {
  readonly path: string;
  /** Takes no more commands, and closes each connection once its answer has left. Idempotent. */
  close(): Promise<void>;
}

/**
 * Returns where the admin socket of a data folder is: in it, or, since the path of a Unix socket
 * is short on every system, in the folder of this user's running servers.
 */
export function adminPath(data: string): string {
  const path = join(data, "admin.sock");
  if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
  return join(runtimeFolder(), `${entryKey(data)}.sock`);
}

/** Opens the admin socket at `path`; the caller holds the data folder, so that it is free. */
export async function openAdmin(
  path: string,
  run: (words: readonly string[]) => Promise<Answer>,
): Promise<AdminSocket> {
  const open = new Set<Socket>();
  // What a server that was killed left there.
  await rm(path, { force: true });
  // Half open: who sends its last command and closes still gets the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (open.size >= LIMITS.adminConnectionsMax) {
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    // The other end went away in the middle of something: its own affair.
    socket.on("error", () => socket.destroy());
    converse(socket, run).catch(() => socket.destroy());
  });
  await listening(server, path);
  await chmod(path, 0o600);
  return {
    path,
    async close() {
      server.close();
      for (const socket of open) socket.end();
      await rm(path, { force: true });
    },
  };
}

/**
 * Gives a running server a command and returns its answer. With `untilGone` it returns when the
 * server has closed the connection, as it does at its end. Rejects with `NOT_RUNNING` when nobody
 * listens at `path`.
 */
export async function askAdmin(
  path: string,
  words: readonly string[],
  { untilGone = false }: { readonly untilGone?: boolean } = {},
): Promise<Answer> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (thrown) {
    const text = `no server answers at "${visible(path)}"`;
    throw new ChatFusionError("NOT_RUNNING", text, thrown);
  }
  // An error ends the lines as well: what then is missing is the answer.
  socket.on("error", () => socket.destroy());
  socket.write(`${JSON.stringify({ words })}\n`);
  let answer: Answer | undefined;
  try {
    for await (const line of readLines(socket, LIMITS.adminAnswerBytesMax)) {
      answer ??= parseAnswer(line);
      if (!untilGone) break;
    }
  } catch (thrown) {
    // A killed server resets the connection: it is gone.
    if (!(thrown instanceof Error) || !("code" in thrown)) throw thrown;
  }
  socket.destroy();
  return answer ?? failure("NOT_RUNNING", "the server ended before it answered");
}

// --- internal ------------------------------------------------------------------------------------

/** 104 bytes with the ending zero on the systems that take least (BSD, macOS). */
const socketPathBytesMax = 103;

const Command = v.object({ words: v.pipe(v.array(v.string()), v.minLength(1)) });
const Refused = v.object({ ok: v.literal(false), code: v.string(), text: v.string() });
const Done = v.object({ ok: v.literal(true), text: v.string(), data: v.optional(v.unknown()) });

async function listening(server: Server, path: string): Promise<void> {
  try {
    server.listen(path);
    await once(server, "listening");
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : "unknown";
    const text = `admin socket "${visible(path)}": ${visible(why)}`;
    throw new ChatFusionError("CANNOT_LISTEN", text, thrown);
  }
}

/** Answers line by line until the other end is gone. Never rejects. */
async function converse(
  socket: Socket,
  run: (words: readonly string[]) => Promise<Answer>,
): Promise<void> {
  try {
    for await (const line of readLines(socket.iterator({ destroyOnReturn: false }))) {
      const answer = await answerTo(line, run);
      const result = isFailure(answer) ? { ok: false, ...answer } : { ok: true, ...answer };
      if (!socket.write(`${JSON.stringify(result)}\n`)) await once(socket, "drain");
    }
    socket.end();
  } catch (_wentAway) {
    // It closed in the middle of a line or of an answer.
    socket.destroy();
  }
}

async function answerTo(
  line: string | typeof TOO_LONG,
  run: (words: readonly string[]) => Promise<Answer>,
): Promise<Answer> {
  if (line === TOO_LONG) return failure("BAD_REQUEST", "the line is too long");
  const command = v.safeParse(v.pipe(v.string(), v.parseJson(), Command), line);
  if (command.success) return run(command.output.words);
  return failure("BAD_REQUEST", 'expected {"words":[…]}');
}

function parseAnswer(line: string | typeof TOO_LONG): Answer {
  if (line === TOO_LONG) return failure("INTERNAL", "the answer is too long to be shown");
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.union([Refused, Done])), line);
  if (!parsed.success) return failure("NOT_CHATFUSION", "what answers is no ChatFusion server");
  const { output } = parsed;
  if (output.ok) return { text: output.text, data: output.data };
  const refused = { code: output.code, text: output.text };
  return isFailure(refused) ? refused : failure("INTERNAL", output.text);
}
