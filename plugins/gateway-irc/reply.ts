// What one command is answered with: lines that go out as they come, or, where the client has put a
// label on the command, together, with the label (IRCv3 labeled-response): none as an ACK, one as
// it is, several as a batch.

import { fitting, flat, formatParams, formatTags } from "./line.ts";
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

export interface ReplyOptions {
  readonly self: string;
  /** What the client is called now. */
  nick(): string;
  send(text: string): void;
  /** Undefined without a label, or where the client has not asked for labels. */
  readonly label: string | undefined;
  /** A name for a batch that no other open one has. */
  batchName(): string;
  /** Whether several lines may be a batch; else only the first has the label. */
  hasBatch(): boolean;
}

export function createReply(options: ReplyOptions): Reply {
  const { self, label } = options;
  const kept: string[] = [];
  const put = (line: string) => void (label === undefined ? options.send(line) : kept.push(line));
  const reply: Reply = {
    isPlain: label === undefined,
    numeric(numeric, params, text) {
      const [code, fixed] = NUMERICS[numeric] as readonly [string, string?]; // rows of one shape
      const head = `:${self} ${code}${formatParams([options.nick(), ...params])}`;
      // A reason in it may be anybody's word, and as long as he liked.
      const last = text === undefined ? fixed : fitting(`${head} :`, text);
      put(last === undefined ? `${head}\r\n` : `${head} :${last}\r\n`);
    },
    line: (command, ...params) => put(`:${self} ${command}${formatParams(params)}\r\n`),
    fail: (command, code, text, context = []) =>
      put(`:${self} FAIL ${[command, code, ...context].join(" ")} :${flat(text)}\r\n`),
    lines(text) {
      if (label === undefined) return text === "" ? undefined : options.send(text);
      for (const line of text.split("\r\n")) if (line !== "") kept.push(`${line}\r\n`);
    },
    batch(type, params, text) {
      if (!options.hasBatch()) return reply.lines(text);
      const name = options.batchName();
      const begin = `:${self} BATCH +${name}${formatParams([type, ...params])}\r\n`;
      reply.lines(`${begin}${inBatch(name, text)}:${self} BATCH -${name}\r\n`);
    },
    end() {
      if (label === undefined) return;
      const tag = ["label", label] as const;
      const [first] = kept;
      if (first === undefined) return options.send(`${formatTags([tag])}:${self} ACK\r\n`);
      if (kept.length === 1) return options.send(withTag(tag, first));
      if (isBatch(kept)) return options.send(withTag(tag, first) + kept.slice(1).join(""));
      if (!options.hasBatch()) return options.send(withTag(tag, first) + kept.slice(1).join(""));
      const name = options.batchName();
      const inside = kept.map((line) => withTag(["batch", name], line)).join("");
      const begin = `${formatTags([tag])}:${self} BATCH +${name} labeled-response\r\n`;
      options.send(`${begin}${inside}:${self} BATCH -${name}\r\n`);
    },
  };
  return reply;
}

// --- internal ---

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
