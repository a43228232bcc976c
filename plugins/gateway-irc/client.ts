// One connection of an IRC client, from its first line to its last. Commands are done one after the
// other, in the order in which they came: while one waits for an answer, later ones wait behind it.
//
//   stranger ──NICK, USER, CAP END──▶ entering ──▶ in ──QUIT, the end──▶ gone
//                   │ refused: another nick, or the end
//
// Next: register.ts (how one comes in), commands.ts (what one can do then).

import type {
  Answer,
  Connection,
  Failure,
  Millis,
  Proof,
  RequestName,
  Requests,
  Session,
} from "chatfusion";
import { LIMITS } from "chatfusion";
import type { Cap, CapSet } from "./caps.ts";
import { hasCap, NO_CAPS } from "./caps.ts";
import type { Flood } from "./flood.ts";
import { createFlood } from "./flood.ts";
import { Files } from "./files.ts";
import type { IrcFormat } from "./format.ts";
import type { Line } from "./line.ts";
import { flat, parseLine } from "./line.ts";
import type { OpenBatch } from "./multiline.ts";
import type { Ident } from "./names.ts";
import type { Answered, Reply } from "./reply.ts";
import { createReply } from "./reply.ts";
import type { SaslExchange } from "./sasl.ts";
import { giveUp } from "./sasl.ts";
import type { World } from "./world.ts";

export class Client implements Answered {
  readonly world: World;
  readonly connection: Connection;
  phase: "stranger" | "entering" | "in" | "gone" = "stranger";
  /** There from the phase "in" on. */
  session: Session | undefined;
  /** Asked for; before the phase "in". */
  nick: string | undefined;
  ident: Ident | undefined;
  password: string | undefined;
  caps: CapSet = NO_CAPS;
  /** It speaks of capabilities, and waits for nothing until CAP END. */
  negotiates = false;
  /** It knows values of capabilities, and lists of several lines. */
  knows302 = false;
  /** The value of the capability `sts`; none where it is not told. */
  sts: string | undefined;
  proof: Proof | undefined;
  sasl: SaslExchange | undefined;
  heardAt: Millis;
  /** A PING is out. */
  pinged = false;
  /** The rooms that it is in, as far as it has been shown them. */
  readonly rooms = new Set<string>();
  /** By MONITOR, in the form in which its changes are told. */
  readonly monitored = new Map<string, string>();
  /** A text of several lines that has begun, and not ended. */
  batch: OpenBatch | undefined;
  /** There once there is a file. */
  #files: Files | undefined;
  #batches = 0;
  #plainReply: Reply | undefined;
  /** The name on IRC that `#address` was made of. */
  #addressed: string | undefined;
  #address = "";
  /** The set of capabilities that `#format` is of. */
  #formatted: CapSet = NO_CAPS;
  #format: IrcFormat | undefined;
  readonly #flood: Flood;
  /** Lines wait: for a command's end, or for their time. */
  #busy = false;
  /** A command is under way. */
  #running = false;
  #cancelWait: (() => void) | undefined;
  #paused = false;
  #waiting: string[] = [];
  #waitingBytes = 0;

  constructor(world: World, connection: Connection) {
    this.world = world;
    this.connection = connection;
    this.heardAt = world.clock.monotonic();
    this.#flood = createFlood(world.clock, world.options.flood);
  }

  /** The nick in replies; "*" where there is none yet. */
  get shown(): string {
    return this.session?.person.nick ?? this.nick ?? "*";
  }
  get address(): string {
    const { shown } = this;
    if (shown !== this.#addressed) {
      this.#addressed = shown;
      this.#address = `${shown}@${this.world.names.self}`;
    }
    return this.#address;
  }
  /** It has given the password of the server, where there is one. */
  get knowsPassword(): boolean {
    const { password } = this.world.options;
    return password === undefined || password === this.password;
  }
  get account(): string | undefined {
    return this.session === undefined ? this.proof?.account : this.session.person.account;
  }
  /** The name of this server. */
  get self(): string {
    return this.world.names.self;
  }
  get mask(): string {
    return this.world.names.mask(this.address, this.account);
  }
  get format(): IrcFormat {
    if (this.#format === undefined || this.#formatted !== this.caps) {
      this.#formatted = this.caps;
      this.#format = this.world.formats.of(this.caps);
    }
    return this.#format;
  }

  get files(): Files {
    this.#files ??= new Files(this);
    return this.#files;
  }

  has(cap: Cap): boolean {
    return hasCap(this.caps, cap);
  }

  /** Sends whole lines; `isApart`: they have nothing to do with what rooms say. */
  send(text: string, isApart = false): void {
    if (this.session !== undefined) this.session.send(text, isApart);
    else if (this.phase !== "gone") this.connection.send(text);
  }

  /** A name for a batch that no other open one of this client has. */
  batchName(): string {
    return `b${++this.#batches}`;
  }

  /** A reply that belongs to no command. */
  aside(): Reply {
    return this.#reply(undefined);
  }

  /** Asks the server; never resolves where the session ends before. */
  ask<T extends RequestName>(type: T, ask: Requests[T]["ask"]): Promise<Answer<T> | Failure> {
    return new Promise((resolve) => this.session?.request(type, ask, resolve));
  }

  /** Says why, and ends the connection; what the session had to say goes before. */
  quit(reason: string): void {
    if (this.phase === "gone") return;
    this.send(lastLine(reason));
    const { session } = this;
    this.phase = "gone";
    this.#leaveModes();
    this.#cancelWait?.();
    if (session === undefined) this.connection.close(reason);
    else session.close(reason);
  }

  /** Takes one line, or keeps it until what was asked before is answered, and its time has come. */
  take(text: string): void {
    if (this.phase === "gone") return;
    this.heardAt = this.world.clock.monotonic();
    this.pinged = false;
    if (!this.#busy) return this.#begin(text);
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
    if (this.#waitingBytes > LIMITS.earlyBytesMax) return this.quit("Excess Flood");
    if (this.#cancelWait !== undefined || this.#paused) return;
    this.#paused = true;
    this.connection.pause(); // one more chunk may still come
  }

  /** A line that is none: told, with the label that it has. */
  refuse(text: string, refuse: (reply: Reply, line: Line) => void): void {
    const line = parseLine(text);
    const reply = this.#reply(line.tags.get("label"));
    refuse(reply, line);
    reply.end();
  }

  /** Its connection has ended. */
  gone(): void {
    this.phase = "gone";
    this.#leaveModes();
    giveUp(this);
    this.#files?.gone();
    this.#cancelWait?.();
  }

  // --- internal ---

  #leaveModes(): void {
    for (const all of this.world.inMode.values()) all.delete(this);
  }

  #reply(label: string | undefined): Reply {
    if (label !== undefined && label !== "" && this.has("labeled-response"))
      return createReply(this, label);
    // Without a label it keeps nothing, and serves all commands.
    this.#plainReply ??= createReply(this, undefined);
    return this.#plainReply;
  }

  /** Does a line at once, or when flood protection lets it. */
  #begin(text: string): void {
    const waitMs = this.#flood.waitMs();
    if (waitMs === 0) return this.#do(text);
    this.#busy = true;
    this.#cancelWait = this.world.clock.after(waitMs, () => {
      this.#cancelWait = undefined;
      this.#do(text);
      if (!this.#running) this.#goOn();
    });
  }

  #do(text: string): void {
    if (this.phase === "gone") return;
    const line = parseLine(text);
    if (line.command === "") return;
    const reply = this.#reply(line.tags.get("label"));
    const done = this.world.run(this, line, reply);
    if (!(done instanceof Promise)) return;
    this.#busy = true;
    this.#running = true;
    done
      .catch((thrown: unknown) => {
        this.world.log.error("command failed", { command: line.command, error: thrown });
        this.quit("the server met a fault of its own; it has been logged");
      })
      .finally(() => {
        this.#running = false;
        this.#goOn();
      });
  }

  #goOn(): void {
    this.#busy = false;
    while (!this.#busy) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#waitingBytes -= next.length;
      this.#begin(next);
    }
    // While lines have to wait for their time, more are taken, until they are too many.
    if (this.#running || !this.#paused) return;
    this.#paused = false;
    this.connection.resume();
  }
}

/** The last word to a client. */
export const lastLine = (reason: string): string => `ERROR :Closing link: ${flat(reason)}\r\n`;
