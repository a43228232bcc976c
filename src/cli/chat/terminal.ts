// A chat on a terminal: what happens scrolls by above, at the bottom stand the transfers, the lines
// that wait for an answer and the one that is being typed. Only this file moves the cursor.
// Invariants:
// 1. Each line of the block at the bottom is cut to the terminal's width, by the terminal itself
//    where it draws letters wider than we measure; only when it shrinks afterwards does one take
//    several rows.
// 2. Everything else is printed above it, whole lines at a time.
// 3. The terminal is as it was when the program ends, however it ends, and while it is stopped.

import { emitKeypressEvents } from "node:readline";
import { styleText } from "node:util";
import { type Client, type ClientEvent, isSaid, visible } from "../../client.ts";
import { LIMITS } from "../../limits.ts";
import { hasColours } from "../colours.ts";
import { EXIT, exitCodeOf, exitCodeWith, type ExitCode } from "../exit.ts";
import { hasTerminal } from "../foreground.ts";
import { readSecret } from "../secret.ts";
import { Chatter } from "./chatter.ts";
import { complete } from "./completion.ts";
import { Editor, type Key } from "./editor.ts";
import { cut, promptOf, windowOf } from "./prompt.ts";
import type { Shown } from "./shown.ts";
import { createTextWriter } from "./text.ts";
import { progressText } from "./transfer-text.ts";
import { Unprinted } from "./unprinted.ts";
import { Typists } from "./typists.ts";
import { WaitingLines } from "./waiting.ts";

export interface TerminalOptions {
  readonly client: Client;
  readonly folder: string;
  readonly accept: "ask" | "all" | "none";
}

/** Chats until /quit, Ctrl-C, Ctrl-D, a signal, or the connection is closed for good. */
export function chatOnTerminal(options: TerminalOptions): Promise<ExitCode> {
  return new Terminal(options).run();
}

// --- internal -----------------------------------------------------------------------------------

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const pasteOn = "\x1b[?2004h";
const pasteOff = "\x1b[?2004l";
/** What is too wide for a row is cut. */
const wrapOff = "\x1b[?7l";
const wrapOn = "\x1b[?7h";

class Terminal {
  readonly #client: Client;
  readonly #chatter: Chatter;
  readonly #editor = new Editor();
  readonly #ended = Promise.withResolvers<ExitCode>();
  readonly #people = new Set<string>();
  readonly #typists = new Typists(() => this.#drawSoon());
  readonly #waiting: WaitingLines;
  readonly #colours = hasColours(process.stdout);
  /** The block as it was drawn last: the columns of each line, and of the last up to the cursor. */
  #drawn: readonly number[] = [];
  readonly #unprinted = new Unprinted();
  /** The password that is being asked for, and those behind it. */
  #asked: Promise<unknown> = Promise.resolve();
  #isDue = false;
  #isOpen = false;
  #isOver = false;
  #lines = 0;
  #wasInterrupted = false;
  #keyedAt = 0;
  readonly #onKey = (typed: string | undefined, key: Key) => this.#key(typed, key);
  readonly #onResize = () => this.#drawSoon();
  readonly #onExit = () => this.#restore();
  readonly #onStop = () => this.#stop();
  readonly #onContinue = () => this.#continue();
  /** Our own bug: it ends the chat, and is reported. */
  readonly #fail = (thrown: unknown) => this.#ended.reject(thrown);
  readonly #onSignal = () => this.#ended.resolve(EXIT.ok);

  constructor({ client, folder, accept }: TerminalOptions) {
    this.#client = client;
    const self = () => client.address;
    const write = createTextWriter({ colours: this.#colours, self, columns });
    this.#chatter = new Chatter({
      client,
      folder,
      accept,
      show: (shown) => {
        this.#typists.take(shown, client.address);
        this.#print(write(shown) + (isCalling(shown, client.address) ? BELL : ""));
      },
      askPassword: (nick) => this.#askPassword(nick),
      quit: () => this.#ended.resolve(EXIT.ok),
      waits: () => this.#waiting.look(),
      closed: (why) => this.#ended.resolve(why === undefined ? EXIT.ok : exitCodeOf(why.code)),
    });
    this.#waiting = new WaitingLines(this.#chatter.unanswered, () => this.#drawSoon());
    client.on((event) => this.#learn(event));
  }

  async run(): Promise<ExitCode> {
    emitKeypressEvents(process.stdin);
    this.#open();
    process.stdout.on("resize", this.#onResize);
    process.on("exit", this.#onExit);
    process.on("SIGTSTP", this.#onStop);
    process.on("SIGCONT", this.#onContinue);
    for (const signal of signals) process.on(signal, this.#onSignal);
    this.#learnWho();
    this.#chatter.commands.list().catch(this.#fail);
    const code = exitCodeWith(await this.#ended.promise, this.#chatter.unanswered.size);
    this.#isOver = true;
    this.#typists.close();
    await this.#client.close();
    // The lines that waited are refused by now, and their errors are said behind that.
    await new Promise(setImmediate);
    this.#flush();
    this.#close();
    // While a password was asked for nothing was shown: not even why it ends.
    const unseen = this.#unprinted.take().map(inRows).join("");
    if (unseen !== "") process.stdout.write(`\r\n${unseen}`);
    process.stdout.off("resize", this.#onResize);
    process.off("exit", this.#onExit);
    process.off("SIGTSTP", this.#onStop);
    process.off("SIGCONT", this.#onContinue);
    for (const signal of signals) process.off(signal, this.#onSignal);
    process.stdin.destroy();
    return code;
  }

  // --- keys -------------------------------------------------------------------------------------

  #open(): void {
    process.stdin.setRawMode(true);
    process.stdin.on("keypress", this.#onKey);
    process.stdin.once("end", this.#onSignal);
    process.stdin.resume();
    process.stdout.write(pasteOn);
    this.#isOpen = true;
    this.#drawSoon();
  }

  #close(): void {
    this.#erase();
    this.#restore();
    process.stdin.off("keypress", this.#onKey);
    process.stdin.off("end", this.#onSignal);
    process.stdin.pause();
  }

  #restore(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.stdout.write(pasteOff);
    process.stdin.setRawMode(false);
  }

  /**
   * Ctrl-Z, which a terminal in raw mode leaves to us: the whole job is to stop, as the terminal
   * would do it, since whoever has started this program waits for it.
   */
  #suspend(): void {
    if (hasTerminal()) process.kill(0, "SIGTSTP");
  }

  /** Stops as it was asked to, from here or from outside: the shell has the terminal until `fg`. */
  #stop(): void {
    const wasOpen = this.#isOpen;
    if (wasOpen) this.#close();
    // The system's own way of it, by which nobody stops whom no shell could go on with.
    process.off("SIGTSTP", this.#onStop);
    process.kill(process.pid, "SIGTSTP");
    // Behind the stop, or at once.
    setImmediate(() => {
      if (this.#isOver) return;
      process.on("SIGTSTP", this.#onStop);
      if (wasOpen) this.#open();
    });
  }

  /** The shell has left the terminal in a mode of its own, and the cursor anywhere. */
  #continue(): void {
    if (!this.#isOpen) return;
    this.#drawn = [];
    this.#close();
    this.#open();
  }

  #key(typed: string | undefined, key: Key): void {
    const now = performance.now();
    const action = this.#editor.key(typed, key, now - this.#keyedAt);
    this.#keyedAt = now;
    if (action.type !== "interrupt") this.#wasInterrupted = false;
    switch (action.type) {
      case "none":
        return;
      case "changed":
        this.#tellTyping();
        return this.#drawSoon();
      case "line":
        this.#drawSoon();
        if (action.line.trim() === "") return;
        this.#chatter.line(action.line, ++this.#lines).catch(this.#fail);
        return;
      case "complete":
        return this.#complete();
      case "refused":
        return this.#print(`!! a line has up to ${LIMITS.lineBytesMax} bytes`);
      case "clear":
        this.#drawn = [];
        process.stdout.write("\x1b[2J\x1b[H");
        return this.#drawSoon();
      case "interrupt":
        return this.#interrupt();
      case "suspend":
        return this.#suspend();
      case "end":
        return this.#ended.resolve(EXIT.ok);
      default:
        action satisfies never;
    }
  }

  /** Tells those for whom something is being written; a command is nobody's business. */
  #tellTyping(): void {
    const { first } = this.#editor;
    if (first === "" || first === "/" || !this.#typists.isDue()) return;
    const { place } = this.#chatter.talk;
    this.#client.request("typing", place).catch(() => undefined); // it is no loss
  }

  /** Transfers are not broken off by a slip of the hand. */
  #interrupt(): void {
    const running = this.#chatter.transfers.running().length;
    if (running === 0 || this.#wasInterrupted) return this.#ended.resolve(EXIT.ok);
    this.#wasInterrupted = true;
    const [what, it] =
      running === 1 ? ["a transfer is", "it"] : [`${running} transfers are`, "them"];
    this.#print(`-- ${what} running: Ctrl-C once more breaks ${it} off`);
  }

  #complete(): void {
    const { before, choices } = complete(this.#editor.before, {
      people: this.#people,
      rooms: this.#client.rooms,
      transfers: [...this.#chatter.transfers.all].map(({ number }) => number),
      commands: this.#chatter.commands.known,
    });
    if (before === this.#editor.before && choices.length > 1) {
      const shown = choices.slice(0, LIMITS.choicesMax).map(visible).join("  ");
      const more = choices.length - LIMITS.choicesMax;
      this.#print(more > 0 ? `${shown}  and ${more} more` : shown);
    }
    this.#editor.replaceBefore(before);
    this.#drawSoon();
  }

  /** One after the other: what is typed for one nick is no business of another's. */
  #askPassword(nick: string): Promise<string> {
    const asked = this.#asked.then(() => this.#readPassword(nick));
    this.#asked = asked.catch(() => undefined);
    return asked;
  }

  async #readPassword(nick: string): Promise<string> {
    this.#flush();
    this.#close();
    try {
      return await readSecret({ prompt: `password of ${visible(nick)}`, twice: false });
    } finally {
      this.#open();
    }
  }

  // --- who is here ------------------------------------------------------------------------------

  #learnWho(): void {
    this.#client.request("who", {}).then(
      ({ people }) => {
        for (const { address } of people) this.#know(address);
      },
      // Then names are completed as they turn up.
      () => undefined,
    );
  }

  #learn(event: ClientEvent): void {
    if (event.type === "message" || event.type === "private") this.#know(event.message.from);
    else if (event.type === "joined") this.#know(event.person.address);
    else if (event.type === "renamed") {
      this.#people.delete(event.was.address);
      this.#know(event.person.address);
    } else if (event.type === "offered") this.#know(event.offer.from);
    else if (event.type === "left" && event.room === this.#client.welcome?.lobby) {
      this.#people.delete(event.person.address);
    }
  }

  #know(address: string): void {
    if (this.#people.size < LIMITS.completionsMax) this.#people.add(address);
  }

  // --- the screen -------------------------------------------------------------------------------

  /** Prints lines above the block; "" prints nothing, but what changed is drawn. */
  #print(text: string): void {
    const waiting = process.stdout.writableLength > LIMITS.outputBytesMax;
    // A terminal that is stopped (Ctrl-S) is not worth all the memory.
    if (text !== "" && waiting) this.#unprinted.skip();
    else if (text !== "") this.#unprinted.add(text, !this.#isOpen);
    this.#drawSoon();
  }

  #drawSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isDue = false;
    if (!this.#isOpen) return;
    const printed = this.#unprinted.take().map(inRows).join("");
    process.stdout.write(this.#eraser() + printed + this.#block());
  }

  #erase(): void {
    process.stdout.write(this.#eraser());
    this.#drawn = [];
  }

  /** Moves to the block's first row, and clears from there. */
  #eraser(): string {
    if (this.#drawn.length === 0) return "";
    const width = columns();
    const last = this.#drawn.length - 1;
    const rowsOf = (used: number, index: number): number =>
      index === last ? Math.floor(used / width) : Math.max(1, Math.ceil(used / width));
    const up = this.#drawn.reduce((sum, used, index) => sum + rowsOf(used, index), 0);
    return `\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J`;
  }

  /** The block, with the cursor where it belongs. */
  #block(): string {
    const width = columns();
    const shown = this.#chatter.transfers.running().slice(0, LIMITS.transfersShownMax);
    const { line } = this.#typists;
    const typing = line === "" ? [] : [line];
    const transfers = shown.map((entry) => progressText(entry, width - 1));
    const fit = (row: string): string => cut(row, width - 1);
    const [rows, waiting] = [[...transfers, ...typing].map(fit), this.#waiting.rows.map(fit)];
    const prompt = promptOf(this.#client.address, this.#chatter.talk.sign, Math.floor(width / 2));
    const room = width - 1 - Bun.stringWidth(prompt);
    const { before, after } = windowOf(this.#editor, room);
    const paint = (style: "bold" | "dim", text: string): string =>
      this.#colours ? styleText(style, text, { validateStream: false }) : text;
    const back = Bun.stringWidth(after);
    const cursor = back > 0 ? `\x1b[${back}D` : "";
    const used = Bun.stringWidth(prompt) + Bun.stringWidth(before);
    this.#drawn = [...[...rows, ...waiting].map((row) => Bun.stringWidth(row)), used];
    const dimmed = waiting.map((row) => paint("dim", row));
    const typed = paint("bold", prompt) + before + after;
    return `${wrapOff}${[...rows, ...dimmed, typed].join("\r\n")}${cursor}${wrapOn}`;
  }
}

const BELL = "\u0007";

/** Somebody speaks to whoever sits here, now: in private, or by their name. */
function isCalling(shown: Shown, self: string): boolean {
  if (shown.event !== "message" && shown.event !== "private") return false;
  if (shown.late === true || shown.from === self) return false;
  return shown.event === "private" ? isSaid(shown.kind) : shown.mentions?.includes(self) === true;
}

/** A terminal in raw mode begins no row by a line's end alone. */
const inRows = (text: string): string => `${text.replaceAll("\n", "\r\n")}\r\n`;

const columns = (): number => Math.max(20, process.stdout.columns ?? 80);
