// What one command is answered with: lines that go out as they come, or, where the client has put a
// label on the command, together, with the label (IRCv3 labeled-response): none as an ACK, one as
// it is, several as a batch.

import { fitting, formatParams, formatTags } from "./line.ts";
import type { Numeric } from "./numerics.ts";
import { NUMERICS } from "./numerics.ts";

export interface Reply {
  /** It is a part of nothing: where nothing is to be told, there is nothing to end. */
  readonly isPlain: boolean;
  /** A numeric with its parameters, and at the end its text from the table, or this one. */
  numeric(numeric: Numeric, params: readonly string[], text?: string): void;
  /** A line of the server: "CAP * LS :…". The last parameter gets a colon where it needs one. */
  line(command: string, ...params: readonly string[]): void;
  /** FAIL of standard-replies; `context` are parameters between code and text. */
  fail(command: string, code: string, text: string, context?: readonly string[]): void;
  /** Whole lines, each with its end, perhaps with tags: as a format writes them. */
  lines(text: string): void;
  /** Whole lines as a batch of this type (IRCv3 batch), for those who know batches. */
  batch(type: string, params: readonly string[], lines: string): void;
  /** It is complete; nothing comes behind. */
  end(): void;
}

/** Who is answered. */
export interface Answered {
  /** What the client is called now. */
  readonly shown: string;
  /** The server's name. */
  readonly self: string;
  send(text: string): void;
  /** A name for a batch that no other open one has. */
  batchName(): string;
  /** Whether several lines may be a batch; else only the first has the label. */
  has(cap: "batch"): boolean;
}

/** `label`: undefined without one, or where the client has not asked for labels. */
export const createReply = (to: Answered, label: string | undefined): Reply =>
  new KeptReply(to, label);

// --- internal ---

/** A class, since each client has one. */
class KeptReply implements Reply {
  readonly #to: Answered;
  readonly #label: string | undefined;
  /** What waits for the end; only with a label. */
  readonly #kept: string[] | undefined;

  constructor(to: Answered, label: string | undefined) {
    this.#to = to;
    this.#label = label;
    this.#kept = label === undefined ? undefined : [];
  }

  get isPlain(): boolean {
    return this.#label === undefined;
  }

  numeric(numeric: Numeric, params: readonly string[], text?: string): void {
    const [code, fixed] = NUMERICS[numeric] as readonly [string, string?]; // rows of one shape
    const { self, shown } = this.#to;
    const head = `:${self} ${code}${formatParams([shown, ...params])}`;
    // A reason in it may be anybody's word, and as long as he liked.
    const last = text === undefined ? fixed : fitting(`${head} :`, text);
    this.#put(last === undefined ? `${head}\r\n` : `${head} :${last}\r\n`);
  }

  line(command: string, ...params: readonly string[]): void {
    this.#put(`:${this.#to.self} ${command}${formatParams(params)}\r\n`);
  }

  fail(command: string, code: string, text: string, context: readonly string[] = []): void {
    const head = `:${this.#to.self} FAIL ${[command, code, ...context].join(" ")} :`;
    this.#put(`${head}${fitting(head, text)}\r\n`);
  }

  lines(text: string): void {
    if (this.#kept === undefined) return text === "" ? undefined : this.#to.send(text);
    for (const line of text.split("\r\n")) if (line !== "") this.#kept.push(`${line}\r\n`);
  }

  batch(type: string, params: readonly string[], text: string): void {
    if (!this.#to.has("batch")) return this.lines(text);
    const { self } = this.#to;
    const name = this.#to.batchName();
    const begin = `:${self} BATCH +${name}${formatParams([type, ...params])}\r\n`;
    this.lines(`${begin}${inBatch(name, text)}:${self} BATCH -${name}\r\n`);
  }

  end(): void {
    if (this.#label === undefined || this.#kept === undefined) return;
    const to = this.#to;
    const kept = this.#kept;
    const tag = ["label", this.#label] as const;
    const [first] = kept;
    if (first === undefined) return to.send(`${formatTags([tag])}:${to.self} ACK\r\n`);
    if (kept.length === 1) return to.send(withTag(tag, first));
    if (isBatch(kept) || !to.has("batch"))
      return to.send(withTag(tag, first) + kept.slice(1).join(""));
    const name = to.batchName();
    const inside = kept.map((line) => withTag(["batch", name], line)).join("");
    const begin = `${formatTags([tag])}:${to.self} BATCH +${name} labeled-response\r\n`;
    to.send(`${begin}${inside}:${to.self} BATCH -${name}\r\n`);
  }

  #put(line: string): void {
    if (this.#kept === undefined) this.#to.send(line);
    else this.#kept.push(line);
  }
}

/** Lines that are in no other batch yet; the end of one has no tag. */
const inBatch = (name: string, text: string): string =>
  text
    .split("\r\n")
    .filter(Boolean)
    .map((line) =>
      /^@batch=|^:\S+ BATCH -/.test(line) ? `${line}\r\n` : withTag(["batch", name], `${line}\r\n`),
    )
    .join("");

/** All of it is one batch already: then that one has the label. */
function isBatch(lines: readonly string[]): boolean {
  const [, name] = /^(?:@\S+ )?:\S+ BATCH \+(\S+) /.exec(lines[0] ?? "") ?? [];
  return name !== undefined && lines.at(-1)?.endsWith(` BATCH -${name}\r\n`) === true;
}

function withTag(tag: readonly [string, string], line: string): string {
  const text = formatTags([tag]);
  return line.startsWith("@") ? `${text.trimEnd()};${line.slice(1)}` : text + line;
}
