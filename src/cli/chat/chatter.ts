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
import { type Place, Talk } from "./talk.ts";
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
    this.unanswered.begin(ref, typeof line === "string" ? line : line.text);
    const done = this.#answer(line, ref).finally(() => this.unanswered.end(ref));
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

  async #answer(line: string | Failure, ref: number): Promise<void> {
    this.#turns.begin(ref, this.#book.newest);
    let isSpeaking = false;
    try {
      if (typeof line !== "string") throw new ChatFusionError(line.code, line.text);
      const parsed = parseLine(line);
      isSpeaking = parsed.name === undefined || SPEAKING.includes(parsed.name);
      if (parsed.name !== undefined) {
        if (!isSpeaking) this.#turns.end(ref);
        return await this.#run(parsed, ref);
      }
      if (parsed.text !== "") await this.#speak(this.talk.place, parsed.text, "text", ref);
    } catch (thrown) {
      const { code, text } = failureOf(thrown);
      const typed = typeof line === "string" ? line : line.text;
      this.#turns.end(ref, { refused: typed });
      // When it is over, whoever typed it is told which lines waited for a connection.
      const isUnsent = code === "CANNOT_CONNECT" && this.unanswered.isClosed;
      const isLost = (isUnsent || thrown === this.#over) && typeof line === "string";
      const why = this.#book.named(text);
      const told = isLost ? `"${visible(typed)}" may not have been sent: ${why}` : why;
      // What was said meanwhile stands between the line and this.
      const which = isSpeaking && !isLost && { line: shortened(typed) };
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
        return this.#speak({ to: this.#addressOf(first) }, second, "text", ref);
      case "say":
        return this.#speak({ room: first }, second, "text", ref);
      case "me":
        return this.#speak(this.talk.place, first, "action", ref);
      case "notice": {
        const isRoom = /^[#&]/.test(first);
        const place = isRoom ? { room: first } : { to: this.#addressOf(first) };
        return this.#speak(place, second, "notice", ref);
      }
      case "talk":
        return this.#show({ event: "ack", ref, talk: this.talk.to(first) });
      case "reply":
      case "thread":
      case "react":
      case "unreact":
      case "edit":
      case "delete": {
        const found = this.#among(first, name, ref);
        // Not awaited where it is known already: the next line would be sent before this one.
        const among = found instanceof Promise ? await found : found;
        const where = { self: client.address, room: this.talk.room, among };
        const saying = this.#book.saying({ name, args }, where);
        return "to" in saying ? this.#tell(saying, ref) : this.#say(saying, ref);
      }
      case "join":
        return this.#show({
          event: "ack",
          ref,
          ...(await client.join(first, second || undefined)),
        });
      case "part":
        this.talk.leave(first);
        return this.#show({ event: "ack", ref, ...(await client.part(first)) });
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
    this.#show({ event: "ack", ref, ...said, ...which });
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

  // --- internal: events -------------------------------------------------------------------------

  #happened(event: ClientEvent): void {
    const shown = shownOf(event, this.talk.lobby, (room) => this.#options.client.rooms.has(room));
    if (shown !== undefined) this.#show(this.#book.seen(shown));
    if (event.type === "renamed") this.talk.renamed(event.was.address, event.person.address);
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

/** Where a message is. */
type Spoken = { readonly id: string } & ({ readonly room: string } | { readonly to: string });

interface Asking {
  readonly name: CommandName;
  readonly ref: number;
}
