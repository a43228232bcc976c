// A chat: lines go in, what happens comes out as `Shown`; it knows no terminal and no pipe.
// Invariants: 1. Every line has exactly one answer: `ack`, an object of its own, or `error`, with
// its number as `ref`. 2. `settled` resolves when nothing is under way.

import { randomUUID } from "node:crypto";
import type { Client, ClientEvent, SaidKind, SayOptions } from "../../client.ts";
import { isSaid } from "../../client.ts";
import { ChatFusionError, failureOf, type Failure } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { visible } from "../../names.ts";
import { type Command, type CommandName, helpText, parseLine } from "./commands.ts";
import { Files, type FilesOptions } from "./files.ts";
import { MessageBook, type Saying, type Telling } from "./messages.ts";
import { askFound, askPast, exportRoom, historyAsked, searchAsked } from "./past.ts";
import { askPersonal, isPersonal } from "./personal.ts";
import { shortened } from "./said.ts";
import { askRoom } from "./settings.ts";
import { type Shown, shownOf, welcomeShown } from "./shown.ts";
import { ServerCommands } from "./server-commands.ts";
import { isRoom, type Place, Talk } from "./talk.ts";
import type { TransferBook } from "./transfers.ts";
import { Unanswered } from "./unanswered.ts";
import { Turns } from "./turns.ts";
import { addressOf, meantBy } from "./whom.ts";

export interface ChatterOptions extends Omit<FilesOptions, "track"> {
  /** Asks for the password of a registered nick; undefined where nobody sits who reads this. */
  readonly askPassword: ((nick: string) => Promise<string>) | undefined;
  /** The chat is over by /quit. */
  quit(): void;
  /** Other lines are unanswered, or there is a connection, or none any more. */
  waits?(): void;
  /** The connection is closed for good. */
  closed(why: Failure | undefined): void;
}

export class Chatter {
  readonly commands: ServerCommands;
  readonly unanswered: Unanswered;
  /** Where goes what is typed without a command. */
  readonly talk: Talk;
  readonly #options: ChatterOptions;
  readonly #client: Client;
  readonly #files: Files;
  readonly #book = new MessageBook();
  readonly #turns: Turns;
  readonly #running = new Set<Promise<void>>();
  /** The lines of private messages whose end was not known, by the messages' own ids. */
  readonly #unconfirmed = new Map<string, number>();
  /** Why the chat is over. */
  #over: Failure | undefined;

  constructor(options: ChatterOptions) {
    this.#options = options;
    this.#client = options.client;
    this.commands = new ServerCommands(options.client);
    this.talk = new Talk(options.client);
    this.unanswered = new Unanswered({
      over: () => options.quit(),
      changed: () => options.waits?.(),
    });
    this.#turns = new Turns(options.askPassword !== undefined);
    const show = (shown: Shown) => this.#show(shown);
    this.#files = new Files({ ...options, show, track: (work) => this.#track(work) });
    const { welcome } = options.client;
    if (welcome !== undefined) options.show(welcomeShown(welcome));
    options.client.on((event) => this.#happened(event));
  }

  get transfers(): TransferBook {
    return this.#files.book;
  }

  /** Takes a line, or what is wrong with it. Resolves when it is answered; never rejects. */
  line(line: string | Failure, ref: number): Promise<void> {
    const typed = this.#typed(line);
    this.unanswered.begin(ref, typed);
    const done = this.#answer(line, typed, ref).finally(() => this.unanswered.end(ref));
    this.#track(done);
    return done;
  }

  /** Resolves when every line is answered, and no transfer is under way. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }

  // --- internal: lines --------------------------------------------------------------------------

  #track(work: Promise<void>): void {
    this.#running.add(work);
    work.finally(() => this.#running.delete(work)).catch(() => undefined); // it never rejects
  }

  /** What was typed, and where it goes if that is not the lobby. */
  #typed(line: string | Failure): string {
    if (typeof line !== "string") return line.text;
    const { sign } = this.talk;
    return sign === "" || line.startsWith("/") ? line : `${sign}: ${line}`;
  }

  async #answer(line: string | Failure, typed: string, ref: number): Promise<void> {
    this.#turns.begin(ref, this.#book.newest);
    let isSpeaking = false;
    try {
      if (typeof line !== "string") throw new ChatFusionError(line.code, line.text);
      const parsed = parseLine(line, this.talk.only);
      isSpeaking = parsed.name === undefined || SPEAKING.includes(parsed.name);
      if (parsed.name !== undefined) {
        if (!isSpeaking) this.#turns.end(ref);
        return await this.#run(parsed, ref);
      }
      if (parsed.text !== "") await this.#speak(this.talk.next(), parsed.text, "text", ref);
    } catch (thrown) {
      const { code, text } = failureOf(thrown);
      const raw = typeof line === "string" ? line : line.text;
      this.#turns.end(ref, { refused: raw });
      // When it is over, whoever typed it is told which lines waited for a connection.
      const isUnsent = code === "CANNOT_CONNECT" && this.unanswered.isClosed;
      const isLost = (isUnsent || thrown === this.#over) && typeof line === "string";
      const why = this.#book.named(text);
      const told = isLost ? `"${visible(typed)}" may not have been sent: ${why}` : why;
      // What was said meanwhile stands between the line and this.
      const which = isSpeaking && !isLost && { line: shortened(raw) };
      this.#show({ event: "error", ref, code, text: told, ...which });
    } finally {
      this.#turns.end(ref);
    }
  }

  async #run({ name, args, isShort = false }: Command, ref: number): Promise<void> {
    const client = this.#client;
    const [first = "", second = ""] = args;
    switch (name) {
      case "msg":
      case "say":
        if (isRoom(first) !== (name === "say")) throw otherOf(name, first);
        return this.#speak(this.#placeOf(first), second, "text", ref);
      case "me":
        return this.#speak(this.talk.next(), first, "action", ref);
      case "notice":
        return this.#speak(this.#placeOf(first), second, "notice", ref);
      case "talk":
        return this.#show({ event: "ack", ref, talk: await this.talk.to(first) });
      case "reply":
      case "thread":
      case "react":
      case "unreact":
      case "edit":
      case "delete": {
        const found = this.#among(first, name, ref);
        // Not awaited where it is known already: the next line would be sent before this one.
        const among = found instanceof Promise ? await found : found;
        const where = { self: client.address, room: this.talk.room, place: this.talk.only, among };
        const saying = this.#book.saying({ name, args }, where);
        return "to" in saying ? this.#tell(saying, ref) : this.#say(saying, ref);
      }
      case "join":
        return this.#show({
          event: "ack",
          ref,
          ...(await client.join(first, second || undefined)),
          talk: this.talk.name,
        });
      case "part": {
        const left = await client.part(first);
        return this.#show({ event: "ack", ref, ...left, ...this.talk.left(left.room) });
      }
      case "nick": {
        const nick = await this.#rename(first);
        this.commands.renew();
        return this.#show({ event: "ack", ref, nick });
      }
      case "send":
        return this.#files.send(this.#addressOf(first), second, ref);
      case "accept":
        return this.#files.accept(first, ref);
      case "reject":
        return this.#files.reject(first, second, ref);
      case "cancel":
        return this.#files.cancel(first, ref);
      case "help":
        return this.#help(first, ref);
      case "run": {
        const answer = await this.commands.run(first, second, isShort);
        return this.#show({ event: "answer", ref, ...answer });
      }
      case "quit":
        this.#show({ event: "ack", ref });
        return this.unanswered.leave(ref);
      default:
        return this.#ask({ name, args }, ref);
    }
  }

  #speak(place: Place, text: string, kind: SaidKind, ref: number): Promise<void> {
    const options = kind === "text" ? {} : { kind };
    const saying = { ...place, text, options };
    return "to" in saying ? this.#tell(saying, ref) : this.#say(saying, ref);
  }

  async #say({ room, text, options }: RoomSaying, ref: number): Promise<void> {
    const said = await this.#client.say(room, text, options);
    const { about, thread } = options;
    this.#spoken({ id: said.id, room }, options, ref);
    const which = about === undefined ? thread && { thread } : { about };
    const outside = this.talk.isIn(room) ? undefined : { outside: room };
    this.#show({ event: "ack", ref, ...said, ...which, ...outside });
  }

  /** Whoever does not get to know the end of a message now may do so later. */
  async #tell(telling: Telling, ref: number): Promise<void> {
    const cid = randomUUID();
    const { to, text, options } = telling;
    try {
      const told = await this.#client.tell(to, text, { ...options, cid });
      const of = this.#book.takeTold(telling, told, this.#client.address);
      this.#spoken({ id: told.id, to }, options, ref);
      this.#show({ event: "ack", ref, ...told, to, text, ...options, ...(of && { of }) });
    } catch (thrown) {
      if (failureOf(thrown).code === "UNCONFIRMED") this.#unconfirmed.set(cid, ref);
      const [oldest = ""] = this.#unconfirmed.keys();
      if (this.#unconfirmed.size > LIMITS.unsentMax) this.#unconfirmed.delete(oldest);
      throw thrown;
    }
  }

  /** The server has what a line says. */
  #spoken(said: Spoken, { kind = "text", about = "" }: SayOptions, ref: number): void {
    if (kind === "delete") return this.#turns.end(ref, { deleted: about });
    if (!isSaid(kind)) return;
    this.#book.takeOwn(said.id);
    this.#turns.end(ref, { said: { from: this.#client.address, ...said } });
  }

  /** What a word counts that may name a message by its place; later, if that is still open. */
  #among(which: string, name: CommandName, ref: number): ReturnType<Turns["before"]> {
    const { all } = this.#book;
    const isOpen = this.#book.mayBeOwn(which, name, this.#client.address);
    return isOpen ? this.#turns.before(ref, all) : all;
  }

  /** The id of the message of a room or a conversation that a command means. */
  async #idIn(place: string, which: string, { name, ref }: Asking): Promise<string> {
    const among = await this.#among(which, name, ref);
    return this.#book.idIn(place, which, { self: this.#client.address, among });
  }

  /** Those that only ask. */
  async #ask({ name, args }: Command, ref: number): Promise<void> {
    const client = this.#client;
    const [first = "", second = ""] = args;
    if (isPersonal(name)) {
      const idIn = (other: string, which: string) => this.#idIn(other, which, { name, ref });
      return this.#show(this.#book.seen(await askPersonal(client, name, { args, idIn, ref })));
    }
    switch (name) {
      case "who": {
        const room = first === "" ? this.talk.room : first;
        const { people, total } = await client.request("who", { room });
        return this.#show({ event: "who", ref, room, people, total });
      }
      case "whois": {
        const address = this.#addressOf(first);
        return this.#show({ event: "whois", ref, ...(await client.request("whois", { address })) });
      }
      case "watch":
      case "unwatch": {
        const isNew = name === "watch";
        const addresses = [isNew ? await meantBy(client, first) : this.#addressOf(first)];
        const answer = await client.request(name, { addresses });
        return this.#show({ event: "ack", ref, ...answer, watching: isNew });
      }
      case "rooms":
        return this.#show({ event: "rooms", ref, ...(await client.request("rooms", {})) });
      case "servers":
        return this.#show({ event: "fusion", ref, ...(await client.request("fusion", {})) });
      case "history": {
        const shown = await askPast(client, historyAsked(args, this.talk.name), ref);
        this.#book.takePast(shown.messages);
        return this.#show(shown);
      }
      case "search": {
        const shown = await askFound(client, searchAsked(first), ref);
        this.#book.takePast(shown.messages);
        return this.#show(shown);
      }
      case "export": {
        const asked = { room: first, path: second, folder: this.#options.folder };
        return this.#show({ event: "exported", ref, ...(await exportRoom(client, asked)) });
      }
      default: {
        const isPin = name === "pin" || name === "unpin";
        const id = isPin && second !== "" ? await this.#idIn(first, second, { name, ref }) : "";
        const words = id === "" ? args : [first, id];
        const shown = await askRoom(client, this.#book, { name, args: words }, ref);
        if (shown !== undefined) return this.#show(shown);
        throw new ChatFusionError("NO_SUCH_COMMAND", `/${name} does nothing here`);
      }
    }
  }

  async #help(name: string, ref: number): Promise<void> {
    const commands = await this.commands.list();
    const text = helpText(name, commands);
    this.#show({ event: "help", ref, text, ...(name === "" ? { commands } : {}) });
  }

  async #rename(nick: string): Promise<string> {
    const { askPassword } = this.#options;
    try {
      return (await this.#client.rename(nick)).nick;
    } catch (thrown) {
      const isRegistered = thrown instanceof ChatFusionError && thrown.code === "NICK_REGISTERED";
      if (!isRegistered || askPassword === undefined) throw thrown;
    }
    return (await this.#client.rename(nick, await askPassword(nick))).nick;
  }

  #addressOf(text: string): string {
    return addressOf(this.#client, text);
  }

  #placeOf(text: string): Place {
    return isRoom(text) ? { room: text } : { to: this.#addressOf(text) };
  }

  // --- internal: events -------------------------------------------------------------------------

  #happened(event: ClientEvent): void {
    const shown = shownOf(event, this.talk.lobby, (room) => this.#options.client.rooms.has(room));
    if (shown !== undefined) this.#show(this.#book.seen(shown));
    this.talk.happened(event);
    if (event.type === "told") this.#ended(event);
    else if (event.type === "offered") this.#files.offered(event);
    else if (event.type === "failed") this.#files.withdrawn(event);
    if (event.type !== "connection") return;
    this.unanswered.connection(event.state);
    if (event.state === "back") this.#beginAgain();
    else if (event.state === "closed") {
      this.#over = event.failure;
      this.#options.closed(event.failure);
    }
  }

  #ended({ type: event, cid = "", ...told }: Extract<ClientEvent, { type: "told" }>): void {
    const ref = this.#unconfirmed.get(cid);
    this.#unconfirmed.delete(cid);
    this.#show({ event, ...(ref === undefined ? {} : { ref }), ...told });
  }

  /** The server of a new session may be another one. */
  #beginAgain(): void {
    this.commands.renew();
    this.#files.beginAgain();
  }

  #show(shown: Shown): void {
    this.#options.show(shown);
  }
}

// --- internal -----------------------------------------------------------------------------------

/** The commands that change which message of one's own is the last one. */
const SPEAKING: readonly CommandName[] = [
  "msg",
  "say",
  "notice",
  "me",
  "reply",
  "thread",
  "delete",
];

type RoomSaying = Exclude<Saying, Telling>;

/** Says by which command one speaks to what was named. */
function otherOf(name: "msg" | "say", named: string): ChatFusionError {
  const [wanted, other, whom] =
    name === "msg" ? ["NICK@SERVER", "say", "a room"] : ["#ROOM", "msg", "a person"];
  const got = `expected ${wanted}, got "${visible(named)}"`;
  return new ChatFusionError(
    "USAGE",
    `/${name}: ${got}; to ${whom}: /${other} ${visible(named)} TEXT`,
  );
}

/** Where a message is. */
type Spoken = { readonly id: string } & ({ readonly room: string } | { readonly to: string });

interface Asking {
  readonly name: CommandName;
  readonly ref: number;
}
