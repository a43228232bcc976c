// A chat: lines go in, what happens comes out as `Shown`; it knows no terminal and no pipe.
// Invariants: 1. Every line has exactly one answer: `ack`, an object of its own, or `error`, with
// its number as `ref`. 2. `settled` resolves when nothing is under way.

import { randomUUID } from "node:crypto";
import type { Client, ClientEvent } from "../../client.ts";
import { ChatFusionError, failureOf, type Failure } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";
import { visible } from "../../names.ts";
import { type Command, helpText, parseLine } from "./commands.ts";
import { Files, type FilesOptions } from "./files.ts";
import { MessageBook, type Telling } from "./messages.ts";
import { askFound, askPast, exportRoom, historyAsked, searchAsked } from "./past.ts";
import { askPersonal, isPersonal } from "./personal.ts";
import { askRoom } from "./settings.ts";
import { type Shown, shownOf, welcomeShown } from "./shown.ts";
import { ServerCommands } from "./server-commands.ts";
import type { TransferBook } from "./transfers.ts";
import { Unanswered } from "./unanswered.ts";

export interface ChatterOptions extends Omit<FilesOptions, "track"> {
  /** Asks for the password of a registered nick; undefined where nobody can be asked. */
  readonly askPassword: ((nick: string) => Promise<string>) | undefined;
  /** The chat is over by /quit. */
  quit(): void;
  /** The connection is closed for good. */
  closed(why: Failure | undefined): void;
}

export class Chatter {
  readonly commands: ServerCommands;
  readonly unanswered: Unanswered;
  readonly #options: ChatterOptions;
  readonly #client: Client;
  readonly #files: Files;
  readonly #book = new MessageBook();
  readonly #running = new Set<Promise<void>>();
  /** The lines of private messages whose end was not known, by the messages' own ids. */
  readonly #unconfirmed = new Map<string, number>();
  #lobby = "#lobby";

  constructor(options: ChatterOptions) {
    this.#options = options;
    this.#client = options.client;
    this.commands = new ServerCommands(options.client);
    this.unanswered = new Unanswered(() => options.quit());
    const show = (shown: Shown) => this.#show(shown);
    this.#files = new Files({ ...options, show, track: (work) => this.#track(work) });
    const { welcome } = options.client;
    if (welcome !== undefined) {
      this.#lobby = welcome.lobby;
      options.show(welcomeShown(welcome));
    }
    options.client.on((event) => this.#happened(event));
  }

  get transfers(): TransferBook {
    return this.#files.book;
  }

  /** Takes a line, or what is wrong with it. Resolves when it is answered; never rejects. */
  line(line: string | Failure, ref: number): Promise<void> {
    this.unanswered.begin(ref);
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
    try {
      if (typeof line !== "string") throw new ChatFusionError(line.code, line.text);
      const parsed = parseLine(line);
      if (parsed.name !== undefined) return await this.#run(parsed, ref);
      if (parsed.text === "") return;
      const said = await this.#client.say(this.#lobby, parsed.text);
      this.#show({ event: "ack", ref, ...said });
    } catch (thrown) {
      const { code, text } = failureOf(thrown);
      // Who leaves while the connection is lost is told which lines waited for it.
      const isLost = code === "CANNOT_CONNECT" && typeof line === "string";
      const told = isLost ? `"${visible(line)}" may not have been sent: ${text}` : text;
      this.#show({ event: "error", ref, code, text: told });
    }
  }

  async #run({ name, args, isShort = false }: Command, ref: number): Promise<void> {
    const client = this.#client;
    const [first = "", second = ""] = args;
    switch (name) {
      case "msg":
        return this.#tell({ to: this.#addressOf(first), text: second, options: {} }, ref);
      case "say":
        return this.#show({ event: "ack", ref, ...(await client.say(first, second)) });
      case "me": {
        const said = await client.say(this.#lobby, first, { kind: "action" });
        return this.#show({ event: "ack", ref, ...said });
      }
      case "reply":
      case "thread":
      case "react":
      case "unreact":
      case "edit":
      case "delete": {
        const saying = this.#book.saying({ name, args }, client.address, this.#lobby);
        if ("to" in saying) return this.#tell(saying, ref);
        const { about, thread } = saying.options;
        const said = await client.say(saying.room, saying.text, saying.options);
        const which = about === undefined ? { thread: thread ?? "" } : { about };
        return this.#show({ event: "ack", ref, ...said, ...which });
      }
      case "join":
        return this.#show({
          event: "ack",
          ref,
          ...(await client.join(first, second || undefined)),
        });
      case "part":
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

  /** Whoever does not get to know the end of a message now may do so later. */
  async #tell(telling: Telling, ref: number): Promise<void> {
    const cid = randomUUID();
    const { to, text, options } = telling;
    try {
      const told = await this.#client.tell(to, text, { ...options, cid });
      const of = this.#book.takeTold(telling, told, this.#client.address);
      this.#show({ event: "ack", ref, ...told, to, text, ...options, ...(of && { of }) });
    } catch (thrown) {
      if (failureOf(thrown).code === "UNCONFIRMED") this.#unconfirmed.set(cid, ref);
      const [oldest = ""] = this.#unconfirmed.keys();
      if (this.#unconfirmed.size > LIMITS.unsentMax) this.#unconfirmed.delete(oldest);
      throw thrown;
    }
  }

  /** Those that only ask. */
  async #ask({ name, args }: Command, ref: number): Promise<void> {
    const client = this.#client;
    const [first = "", second = ""] = args;
    if (isPersonal(name)) {
      const addressOf = (text: string) => this.#addressOf(text);
      const asked = { args, addressOf, book: this.#book, ref };
      return this.#show(await askPersonal(client, name, asked));
    }
    switch (name) {
      case "who": {
        const room = first === "" ? this.#lobby : first;
        const { people, total } = await client.request("who", { room });
        return this.#show({ event: "who", ref, room, people, total });
      }
      case "whois": {
        const address = this.#addressOf(first);
        return this.#show({ event: "whois", ref, ...(await client.request("whois", { address })) });
      }
      case "watch":
      case "unwatch": {
        const addresses = [this.#addressOf(first)];
        const answer = await client.request(name, { addresses });
        return this.#show({ event: "ack", ref, ...answer, watching: name === "watch" });
      }
      case "rooms":
        return this.#show({ event: "rooms", ref, ...(await client.request("rooms", {})) });
      case "servers":
        return this.#show({ event: "fusion", ref, ...(await client.request("fusion", {})) });
      case "history": {
        const shown = await askPast(client, historyAsked(args, this.#lobby), ref);
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
        const words = isPin && second !== "" ? [first, this.#book.idIn(first, second)] : args;
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

  /** Without a server it is one's own. */
  #addressOf(text: string): string {
    return text.includes("@") ? text : `${text}@${this.#client.server}`;
  }

  // --- internal: events -------------------------------------------------------------------------

  #happened(event: ClientEvent): void {
    const shown = shownOf(event, this.#lobby, (room) => this.#options.client.rooms.has(room));
    if (shown !== undefined) this.#show(this.#book.seen(shown));
    if (event.type === "told") this.#ended(event);
    else if (event.type === "offered") this.#files.offered(event);
    else if (event.type === "failed") this.#files.withdrawn(event);
    if (event.type !== "connection") return;
    this.unanswered.connected(event.state !== "lost");
    if (event.state === "back") this.#beginAgain();
    else if (event.state === "closed") this.#options.closed(event.failure);
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
