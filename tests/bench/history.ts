// What the log in SQLite gives once it is large, and what that costs: the time of a search and of a
// room's last messages, over a million messages in twenty rooms; and an append with the index of
// words, beside one without it, by turns in the same run.
//
//   bun run bench:history                    prints the figures
//   bun run bench:history --messages 100000  of a smaller log
//   bun run bench:history --json             one JSON object
//
// The log is made by the plugin itself, a thousand messages in a commit. A text is ten words of
// 20,000, the n-th of which comes n times as seldom as the first, as in a language. All questions
// go through the plugin, so that the way to its worker and back is in the figures.

import { statSync } from "node:fs";
import { join } from "node:path";
import logSqlite from "../../plugins/log-sqlite.ts";
import { startWriter } from "../../plugins/log-sqlite/writer.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Batch, History, Search } from "../../src/plugin.ts";
import { createRandom } from "../../src/testing.ts";
import { setUp } from "../../src/testing/context.ts";
import { testBatch, testStream } from "../../src/testing/history-stage.ts";
import { argumentsOf } from "../arguments.ts";
import { workFolder } from "./folder.ts";
import { machine } from "./machine.ts";
import { digits, markdown } from "./table.ts";

const ROOMS = 20;
/** Of all messages so many are said in the lobby; the others in all rooms alike. */
const LOBBY_SHARE = 0.5;
const AUTHORS = 300;
const WORDS = 20_000;
const WORDS_A_TEXT = 10;
const COMMIT = 1000;
/** Of each kind. */
const QUESTIONS = 50;
/** Messages of a commit: alone, and as many as come together on a busy server. */
const COMMITS = [1, 100];
const ROUNDS = 6;
const ROUND_MS = 1000;

interface Times {
  readonly what: string;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  readonly most: number;
}

const { values } = argumentsOf({
  options: {
    messages: { type: "string", default: "1000000" },
    json: { type: "boolean", default: false },
  },
});
await main(Number(values.messages));

// --- internal ---

async function main(messages: number): Promise<void> {
  if (!Number.isInteger(messages) || messages < COMMIT)
    throw new Error(`--messages: expected ${COMMIT} or more, got ${values.messages}`);
  const folder = workFolder("history");
  const talk = createTalk();
  await using world = await setUp(logSqlite(), { folder });
  const { history } = world.parts;
  if (history === undefined) throw new Error("log-sqlite provides a history");
  const began = performance.now();
  while (talk.said < messages) await history.append(talk.batches(COMMIT));
  const appended = performance.now();
  await history.search({ rooms: talk.rooms, text: "word", limit: 1 }); // waits for the index
  const made = {
    messages: talk.said,
    appendedS: (appended - began) / 1000,
    indexedS: (performance.now() - appended) / 1000,
    mb: statSync(join(folder, "log.sqlite")).size / 1e6,
  };
  const searches = await askedBy(talk, history);
  const last = await timesOf("the last 100 of a room", QUESTIONS, async () => {
    const found = await history.backlog(talk.room(), 100);
    if (found.length !== 100) throw new Error(`expected 100 messages, got ${found.length}`);
  });
  const ratios = await appendsOf(talk, folder);
  await print({ made, searches, last, ratios });
}

/** People who talk: the same in each run. */
function createTalk() {
  const random = createRandom("bench history");
  const streams = Array.from({ length: ROOMS }, (_, at) =>
    testStream({ room: at === 0 ? "#lobby" : `#room-${at}` }),
  );
  const heads = streams.map(() => 0);
  let said = 0;
  const word = () => `w${Math.floor(WORDS ** random.next()).toString(36)}`;
  const author = () => `nick${random.below(AUTHORS)}@paris`;
  const message = () => ({
    id: `${said++}`.padStart(13, "0"),
    from: author(),
    text: Array.from({ length: WORDS_A_TEXT }, word).join(" "),
  });
  return {
    get said() {
      return said;
    },
    rooms: streams.map(({ room }) => room),
    room: () => random.pick(streams).room,
    word,
    author,
    /** What is said next, by so many: a batch for each room. */
    batches(count: number): Batch[] {
      const counts = heads.map(() => 0);
      for (let at = 0; at < count; at++) {
        const place = random.chance(LOBBY_SHARE) ? 0 : random.below(ROOMS);
        counts[place] = (counts[place] ?? 0) + 1;
      }
      return streams.flatMap((stream, at) => {
        const [head = 0, own = 0] = [heads[at], counts[at]];
        heads[at] = head + own;
        if (own === 0) return [];
        return [testBatch(stream, head + 1, Array.from({ length: own }, message))];
      });
    },
  };
}
type Talk = ReturnType<typeof createTalk>;

/** Times of so many runs, one after the other. */
async function timesOf(what: string, runs: number, run: () => Promise<unknown>): Promise<Times> {
  const times: number[] = [];
  for (let at = 0; at < runs; at++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return summed(what, times);
}

function summed(what: string, times: readonly number[]): Times {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
  return { what, median: at(0.5), p99: at(0.99), most: at(1) };
}

/** Questions of all kinds, of words as they come in texts: the frequent ones often. */
async function askedBy(talk: Talk, history: History): Promise<Times[]> {
  const all = { rooms: talk.rooms, limit: LIMITS.searchMax };
  const seldom = () => `w${Math.floor(WORDS * (0.5 + Math.random() / 2)).toString(36)}`;
  const kinds: Readonly<Record<string, () => Search>> = {
    "one word": () => ({ ...all, text: talk.word() }),
    "a word that is seldom": () => ({ ...all, text: seldom() }),
    "two words": () => ({ ...all, text: `${talk.word()} ${talk.word()}` }),
    "two words that are seldom": () => ({ ...all, text: `${seldom()} ${seldom()}` }),
    "a phrase": () => ({ ...all, text: `"${talk.word()} ${talk.word()}"` }),
    "a word in one room": () => ({ ...all, rooms: [talk.room()], text: talk.word() }),
    "a word by one person": () => ({ ...all, text: talk.word(), from: talk.author() }),
    "the beginning of a word": () => ({ ...all, text: `${talk.word().padEnd(3, "1")}*` }),
    "all by one person": () => ({ ...all, text: "", from: talk.author() }),
  };
  const every: number[] = [];
  const rows: Times[] = [];
  for (const [what, question] of Object.entries(kinds)) {
    const row = await timesOf(what, QUESTIONS, async () => {
      const began = performance.now();
      await history.search(question());
      every.push(performance.now() - began);
    });
    rows.push(row);
  }
  return [summed("all searches", every), ...rows];
}

interface Ratio {
  readonly count: number;
  /** Messages a second. */
  readonly withIndex: number;
  readonly without: number;
}

/** Appends to two new logs by turns: one puts words into its index, the other never comes to it. */
async function appendsOf(talk: Talk, folder: string): Promise<Ratio[]> {
  const bounds = {
    busyMsMax: LIMITS.logBusyMsMax,
    checkedBytesMax: LIMITS.logCheckedBytesMax,
    pruneStepRooms: LIMITS.pruneStepRooms,
    indexStepMessages: LIMITS.indexStepMessages,
    conversationsBytesMax: LIMITS.conversationsBytesMax,
  };
  const opened = async (name: string, indexEveryMs: number) => {
    const writer = startWriter();
    const path = join(folder, name);
    const more = { ...bounds, indexEveryMs };
    await writer.ask({ op: "open", path, retention: {}, bounds: more });
    return writer;
  };
  const never = 2 ** 31 - 1;
  const logs = [
    await opened("with.sqlite", LIMITS.indexEveryMs),
    await opened("without.sqlite", never),
  ] as const;
  const ratios: Ratio[] = [];
  for (const count of COMMITS) {
    const rates: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS * 2; round++) {
      const which = round % 2 === 0 ? 0 : 1;
      const began = performance.now();
      let messages = 0;
      while (performance.now() - began < ROUND_MS) {
        await logs[which].append(talk.batches(count), messages);
        messages += count;
      }
      rates[which].push((messages * 1000) / (performance.now() - began));
    }
    const [withIndex, without] = rates.map((all) => summed("", all).median);
    ratios.push({ count, withIndex: withIndex ?? Number.NaN, without: without ?? Number.NaN });
  }
  for (const log of logs) {
    await log.ask({ op: "close" });
    log.end("done");
  }
  return ratios;
}

interface Results {
  readonly made: Readonly<Record<"messages" | "appendedS" | "indexedS" | "mb", number>>;
  readonly searches: readonly Times[];
  readonly last: Times;
  readonly ratios: readonly Ratio[];
}

async function print(results: Results): Promise<void> {
  const about = await machine();
  if (values.json) return console.log(JSON.stringify({ machine: about, ...results }));
  const { made, searches, last, ratios } = results;
  const { commit, bun, processor, cores, load } = about;
  console.log(`commit ${commit}, Bun ${bun}, ${processor}, ${cores} cores, load ${load}`);
  const size = `${Math.round(made.mb).toLocaleString("en")} MB`;
  const took = `${digits(made.appendedS)} s, and ${digits(made.indexedS)} s until all was indexed`;
  console.log(`${made.messages.toLocaleString("en")} messages, ${size}; made in ${took}\n`);
  const rows = [last, ...searches].map((one) => [
    one.what,
    digits(one.median),
    digits(one.p99),
    digits(one.most),
  ]);
  console.log(markdown([["ms", "median", "p99", "most"], ...rows]));
  const cells = ratios.map(({ count, withIndex, without }) => [
    String(count),
    digits(without),
    digits(withIndex),
    digits(withIndex / without),
  ]);
  const head = ["messages in a commit", "a second, no index", "with the index", "ratio"];
  console.log(`\n${markdown([head, ...cells])}`);
}
