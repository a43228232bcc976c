// What was said before: `/history`, `/search` and `/export`. Pages come from the server, the newest
// first; an export turns them round on the disk, so that a room of any length fits into memory.

import { mkdir, open, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Client, MessageEntry, PrivateEntry, Requests } from "../../client.ts";
import { ChatFusionError } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { cleanFileName, visible } from "../../names.ts";
import { jsonLine } from "../screen.ts";
import { isCounted, localTime } from "./said.ts";
import type { Shown } from "./shown.ts";

/** What is asked of the past of a room, or of a conversation. Throws `USAGE`. */
export function historyAsked(
  args: readonly string[],
  here: string,
): { readonly place: string; readonly limit: number; readonly before?: string } {
  const isPlace = /^[#&]|@/.test(args[0] ?? "");
  const [count = "", before = "", more = ""] = isPlace ? args.slice(1) : args;
  if (more !== "") throw usage("history", "[#ROOM|NICK@SERVER] [COUNT] [BEFORE]", more);
  const place = isPlace ? (args[0] ?? here) : here;
  return { place, limit: countOf(count), ...(before === "" ? {} : { before }) };
}

/**
 * Asks for it, as it is shown: so many messages, and what was done to messages meanwhile. Rejects
 * with the server's refusal of the first page.
 */
export async function askPast(
  client: Pick<Client, "request">,
  { place, ...asked }: ReturnType<typeof historyAsked>,
  ref: number,
): Promise<Extract<Shown, { readonly event: "history" | "conversation" }>> {
  if (!place.includes("@")) {
    const page = async (from: From) => {
      const { messages } = await client.request("history", { room: place, ...from });
      return messages;
    };
    return { event: "history", ref, room: place, messages: await countedOf(page, asked) };
  }
  let other = place;
  const page = async (from: From) => {
    const answer = await client.request("conversation", { with: place, ...from });
    other = answer.with;
    return answer.messages;
  };
  const messages = await countedOf(page, asked);
  return { event: "conversation", ref, with: other, messages };
}

/**
 * What is looked for: words, and among them `in:#ROOM` or `in:NICK@SERVER`, `from:NICK@SERVER` and,
 * to go on, the `before:` of an answer. Throws `USAGE`.
 */
export function searchAsked(text: string): Requests["search"]["ask"] {
  const asked: { in?: string; from?: string; before?: string } = {};
  const words = text.replace(
    /(?<!\S)(in|from|before):(\S+)/g,
    (_, name: keyof typeof asked, what: string) => {
      if (asked[name] !== undefined) throw usage("search", `${name}: once`, what);
      asked[name] = what;
      return "";
    },
  );
  const rest = words.trim();
  if (rest === "" && asked.from === undefined) throw usage("search", "words", text);
  const { in: room, ...more } = asked;
  return { text: rest, ...more, ...(room === undefined ? {} : { room }) };
}

/** Looks for it in rooms, or in one conversation. Throws `USAGE`; rejects with the refusal. */
export async function askFound(
  client: Pick<Client, "request">,
  asked: ReturnType<typeof searchAsked>,
  ref: number,
): Promise<Extract<Shown, { readonly event: "found" | "conversation" }>> {
  const { room = "", from, text = "", before } = asked;
  if (!room.includes("@"))
    return { event: "found", ref, ...(await client.request("search", asked)) };
  if (from !== undefined) throw usage("search", "no from: in a conversation", from);
  const ask = { with: room, text, limit: LIMITS.searchMax, ...(before && { before }) };
  return { event: "conversation", ref, ...(await client.request("conversation", ask)), text };
}

/** What an export has written. */
export interface Exported {
  readonly room: string;
  /** Not there where there was nothing to write: then there is no file. */
  readonly path?: string;
  /** Without what was done to messages, which is in the file as well. */
  readonly messages: number;
}

/**
 * Writes all that the server has of a room, or of what two people have told each other, into a new
 * file, oldest first: where its name ends in .jsonl, a JSON object a line, else a text. In a
 * folder, or without a path in `folder`, it gets a name of its own. Where there is nothing, none is
 * written. Rejects with `FILE_UNWRITABLE` where there is a file already, and with the server's
 * refusal; then nothing is left of it.
 */
export async function exportRoom(
  client: Pick<Client, "request">,
  { room, path, folder }: { readonly room: string; readonly path: string; readonly folder: string },
): Promise<Exported> {
  const target = await targetOf(path === "" ? await made(folder) : path, room);
  const lineOf = target.endsWith(".jsonl") ? (one: object) => jsonLine(one) : textLine;
  const pages = `${target}.part`;
  const file = await created(target);
  try {
    const turned = await created(pages);
    try {
      // Each page as it stands in the file of the pages.
      const places: { readonly from: number; readonly bytes: number }[] = [];
      let [written, messages, before] = [0, 0, ""];
      for (;;) {
        const page = await pageOf(client, room, before);
        const [oldest] = page;
        if (oldest === undefined) break;
        if (before !== "" && oldest.id >= before) throw endless(room);
        before = oldest.id;
        messages += page.filter(isCounted).length;
        const bytes = Buffer.from(page.map((one) => `${lineOf(one)}\n`).join(""));
        await turned.writeFile(bytes);
        places.push({ from: written, bytes: bytes.length });
        written += bytes.length;
      }
      for (const { from, bytes } of places.toReversed()) {
        const { buffer } = await turned.read(Buffer.alloc(bytes), 0, bytes, from);
        await file.writeFile(buffer);
      }
      if (places.length > 0) return { room, path: target, messages };
      await rm(target, { force: true });
      return { room, messages };
    } finally {
      await turned.close();
      await rm(pages, { force: true });
    }
  } catch (thrown) {
    await rm(target, { force: true });
    throw thrown instanceof ChatFusionError ? thrown : unwritable(target, thrown);
  } finally {
    await file.close();
  }
}

// --- internal -----------------------------------------------------------------------------------

const historyDefault = 20;

function countOf(text: string): number {
  if (text === "") return historyDefault;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= LIMITS.backlogMax) return count;
  throw usage("history", `a number from 1 to ${LIMITS.backlogMax}`, text);
}

const usage = (command: string, expected: string, got: string): ChatFusionError =>
  new ChatFusionError("USAGE", `/${command}: expected ${expected}, got "${visible(got)}"`);

/** Where a page of the past ends, and how much it has. */
interface From {
  readonly limit: number;
  readonly before?: string;
}

/**
 * The newest entries, with as many messages among them as are asked for: pages are full of what was
 * done to messages, in a room where people react a lot.
 */
async function countedOf<T extends Pick<MessageEntry, "id" | "kind">>(
  page: (from: From) => Promise<readonly T[]>,
  asked: From,
): Promise<readonly T[]> {
  let all: readonly T[] = [];
  let from = asked;
  for (let pages = 0; pages < LIMITS.historyPagesMax; pages++) {
    const older = await page(from).catch((thrown: unknown) => {
      if (pages === 0) throw thrown;
      return []; // the room was left meanwhile: what has come is shown
    });
    const [oldest] = older;
    if (oldest === undefined) break;
    all = [...older, ...all];
    const first = all.filter(isCounted).at(-asked.limit);
    if (first !== undefined) return all.slice(all.indexOf(first));
    from = { limit: LIMITS.backlogMax, before: oldest.id };
  }
  return all;
}

async function targetOf(path: string, room: string): Promise<string> {
  const full = path.startsWith("~/") ? join(homedir(), path.slice(2)) : resolve(path);
  const isFolder = await stat(full).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) return full;
  const time = localTime(Date.now()).join(" ").replaceAll(":", "-");
  return join(full, cleanFileName(`${room.replace(/^[#&]/, "")} ${time}.txt`));
}

/** The page before a message, or the newest one; of a room, or of a conversation. */
async function pageOf(
  client: Pick<Client, "request">,
  room: string,
  before: string,
): Promise<readonly (MessageEntry | PrivateEntry)[]> {
  const from = before === "" ? {} : { before };
  const answer = room.includes("@")
    ? await client.request("conversation", { with: room, ...from })
    : await client.request("history", { room, ...from });
  return answer.messages;
}

/** A server that goes round in its own past would fill the disk. */
const endless = (room: string): ChatFusionError =>
  new ChatFusionError(
    "INTERNAL",
    `/export: ${visible(room)}: the server gives what it gave before`,
  );

async function made(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true }).catch((thrown: unknown) => {
    throw unwritable(folder, thrown);
  });
  return folder;
}

/** Makes a file of its owner's alone; one that is there stays as it is. */
async function created(path: string) {
  try {
    return await open(path, "wx+", 0o600);
  } catch (thrown) {
    throw unwritable(path, thrown);
  }
}

function unwritable(path: string, thrown: unknown): ChatFusionError {
  const { code, message }: NodeJS.ErrnoException =
    thrown instanceof Error ? thrown : new Error(String(thrown));
  const why = code === "EEXIST" ? "there is a file of this name already" : visible(message);
  return new ChatFusionError("FILE_UNWRITABLE", `/export: ${visible(path)}: ${why}`);
}

/** A line for people, of which no text can make two. */
function textLine({ at, from, kind, text }: MessageEntry | PrivateEntry): string {
  return `${localTime(at).join(" ").trimStart()} ${saidLine(kind, visible(from), visible(text))}`;
}

function saidLine(kind: MessageEntry["kind"], who: string, text: string): string {
  switch (kind) {
    case "text":
    case "notice":
      return `${who}: ${text}`;
    case "action":
      return `* ${who} ${text}`;
    case "edit":
      return `${who} (edited): ${text}`;
    case "reaction":
      return `* ${who} reacts with ${text}`;
    case "unreaction":
      return `* ${who} takes ${text} back`;
    case "topic":
      return text === "" ? `* ${who} removes the topic` : `* ${who} sets the topic: ${text}`;
    case "delete":
      return `* ${who} has deleted a message${text === "" ? "" : `: ${text}`}`;
    default:
      kind satisfies never;
      return "";
  }
}
