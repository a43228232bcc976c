// The worker: the one that waits for the disk. It takes requests one after another and answers
// each; what it throws becomes a text. It imports no code but its own, so that it starts at once.

import type { Bytes } from "chatfusion";
import type { LogDatabase } from "./database.ts";
import { openLog } from "./database.ts";
import type { Answer, Numbered } from "./request.ts";
import { packHeld, packRange, unpackGiven } from "./request.ts";

let log: LogDatabase | undefined;
let indexEveryMs = 0;
let indexing: Timer | undefined;

addEventListener("message", ({ data: message }: MessageEvent<string | Bytes>) => {
  if (typeof message === "string") {
    const request = JSON.parse(message) as Numbered; // as writer.ts sends it
    answering(request.number, () => run(request));
  } else {
    const given = unpackGiven(message);
    answering(given.number, () => {
      if (given.op === "append") {
        opened().append(given.batches, given.now);
        indexSoon();
      } else opened().redact(given.room, given.messages, given.batches);
    });
  }
});

// --- internal ---

/** Batches are their own answer: a buffer that is given away. */
function run(request: Numbered): unknown {
  switch (request.op) {
    case "open":
      log = openLog(request.path, request.retention, request.bounds);
      indexEveryMs = request.bounds.indexEveryMs;
      indexSoon();
      return undefined;
    case "streams":
      return opened().streams();
    case "range":
      return packRange(request.number, opened().range(request.stream, request));
    case "backlog":
      return opened().backlog(request.room, request.limit, request.before);
    case "onward":
      return opened().onward(request.room, request.limit, request.after);
    case "about":
      return opened().about(request.room, request.ids, request.limit);
    case "deletions":
      return opened().deletions(request.limit);
    case "since":
      return opened().since(request.room, request.id, request.limit);
    case "search":
      return opened().search(request);
    case "holding":
      return packHeld(request.number, opened().holding(request.room, request.messages));
    case "prune":
      return opened().prune(request.now, request.messagesMax);
    case "keep":
      return opened().conversations.keep(request.messages, request.now);
    case "conversation":
      return opened().conversations.page(request);
    case "newest":
      return opened().conversations.newest(request.account, request.limit, request.before);
    case "forget":
      return opened().conversations.forget(request);
    case "accounts":
      return opened().conversations.accounts();
    case "close":
      clearTimeout(indexing);
      log?.close();
      log = undefined;
      return undefined;
    default:
      return request satisfies never;
  }
}

function opened(): LogDatabase {
  if (log === undefined) throw new Error("the log is not open");
  return log;
}

function answering(number: number, work: () => unknown): void {
  let answer: Answer;
  try {
    const value = work();
    if (value instanceof Uint8Array) {
      postMessage(value, [value.buffer as ArrayBuffer]); // as it was packed
      return;
    }
    answer = { number, value };
  } catch (thrown) {
    answer = { number, error: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  postMessage(JSON.stringify(answer), []);
}

/** Puts what was said into the index of words, once it has been answered; commits go between. */
function indexSoon(ms = indexEveryMs): void {
  indexing ??= setTimeout(() => {
    indexing = undefined;
    try {
      if (log?.index() === true) indexSoon(0);
    } catch {
      indexSoon(); // the file is held, or the disk is full: the next commit says so
    }
  }, ms);
}
