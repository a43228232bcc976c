// A client: one session on one server, over as many connections as it takes.
//
//   entering ──welcome──▶ in ──lost──▶ lost ──welcome──▶ in …
//                          │             │
//                          └─── close, or a refusal for good ──▶ closed
//
// Invariants:
// 1. Requests are settled exactly once, over all connections (requests.ts).
// 2. Listeners are told in the order in which things came in; `closed` is the last event.
// 3. A transfer ends when its bytes may have been lost, and its file goes on by another one
//    (sending.ts); an offer without an answer lives as long as the session.

import type { Bytes, Clock, Net, Random } from "../environment.ts";
import { ChatFusionError, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { LOBBY } from "../names.ts";
import { checkKind } from "../protocol/amendment.ts";
import { FRAME } from "../protocol/frame.ts";
import type { Answer, Login, OfferEntry } from "../protocol/messages.ts";
import type { RequestName, Requests, Welcome } from "../protocol/messages.ts";
import { within } from "./clock.ts";
import { Comeback } from "./comeback.ts";
import { type Connection, type ConnectionHandlers, refusalOf } from "./connection.ts";
import { dialServer, type FirstMet } from "./dial.ts";
import { type ClientEvent, readEvent } from "./events.ts";
import { Identity } from "./identity.ts";
import type { Received } from "./incoming.ts";
import { JoinedRooms } from "./joined.ts";
import type { SendOptions, Sent } from "./outgoing.ts";
import { Listeners } from "./listeners.ts";
import { isFinal, surroundingsOf, thrownOf } from "./options.ts";
import type { ConnectOptions, MessageOptions, SayOptions } from "./options.ts";
import { Past, type PastSource } from "./past.ts";
import { RequestTable } from "./requests.ts";
import * as shape from "./shape.ts";
import type { FileSource } from "./source.ts";
import { createTransferPort, interrupted } from "./transfer.ts";
import type { TransferOptions, TransferPort } from "./transfer.ts";
import { Transfers } from "./transfers.ts";
import { Wishes } from "./wishes.ts";

export class Client {
  readonly #options: ConnectOptions;
  readonly #net: Net;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #listeners: Listeners;
  readonly #requests = new RequestTable((frame) => this.#sendFrame(frame));
  readonly #past: Past;
  readonly #identity: Identity;
  readonly #comeback: Comeback;
  readonly #wishes: Wishes;
  readonly #port: TransferPort;
  readonly #transfers: Transfers;
  readonly #closed = Promise.withResolvers<void>();
  #phase: "entering" | "in" | "lost" | "closed" = "entering";
  #connection: Connection | undefined;
  /** The one that was opened last, and may not be in yet. */
  #opened: Connection | undefined;
  /** The newest one. */
  #welcome: Welcome | undefined;
  readonly #rooms = new JoinedRooms();
  #fusion: readonly string[] = [];
  #firstMet: FirstMet | undefined;
  #isFlushDue = false;

  /** See `connect` in client.ts. */
  static async connect(options: ConnectOptions): Promise<Client> {
    const client = new Client(options);
    await client.#enter(undefined);
    return client;
  }

  private constructor(options: ConnectOptions) {
    this.#options = options;
    const surroundings = surroundingsOf(options);
    ({ clock: this.#clock, net: this.#net, random: this.#random } = surroundings);
    this.#listeners = new Listeners(this.#clock);
    const askPast: PastSource["askPast"] = (room, from) =>
      within(this.#clock, LIMITS.pastAwaitedMs, this.#requests.askPast(room, from));
    this.#past = new Past((event) => this.#listeners.tell(event), { askPast }, options.backlog);
    this.#identity = new Identity(options);
    this.#wishes = new Wishes(this.#requests, this.#identity, {
      entered: (room, key) => {
        if (!this.#rooms.has(room)) this.#past.entered(room);
        this.#rooms.enter(room, key);
      },
      left: (room) => void this.#leave(room),
    });
    this.#comeback = new Comeback({
      clock: this.#clock,
      random: this.#random,
      identity: this.#identity,
      enter: (resume) => this.#enter(resume),
      refused: (failure) => this.#listeners.tell({ type: "connection", state: "refused", failure }),
      ended: (failure) => this.#end(failure),
    });
    this.#port = createTransferPort(surroundings, {
      send: (frame, lane) => this.#sendFrame(frame, lane),
      connection: () => this.#connection,
      address: () => this.address,
    });
    this.#transfers = new Transfers(this.#port, (name, ask, answered) =>
      this.#requests.ask(name, ask, answered),
    );
  }

  // --- who and where ----------------------------------------------------------------------------

  /** As it is now: it may have been changed. */
  get nick(): string {
    return this.#identity.nick;
  }
  /** The server's name. */
  get server(): string {
    return this.#welcome?.server ?? "";
  }
  /** `nick@server`. */
  get address(): string {
    return `${this.nick}@${this.server}`;
  }
  /** The rooms this client is in, the lobby too. */
  get rooms(): ReadonlySet<string> {
    return this.#rooms;
  }
  /** The names of the servers that are merged now. */
  get fusion(): readonly string[] {
    return this.#fusion;
  }
  /** What the server said when this client came in, the last time. */
  get welcome(): Welcome | undefined {
    return this.#welcome;
  }
  /** The server's certificate, if it was met for the first time. */
  get firstMet(): FirstMet | undefined {
    return this.#firstMet;
  }

  /** Listens until the returned function is called. A listener that throws ends the program. */
  on(listener: (event: ClientEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  // --- requests ---------------------------------------------------------------------------------

  /**
   * Asks the server something. Rejects with its refusal; with `QUEUE_FULL` when
   * LIMITS.requestsInFlightMax have no answer yet; and with `UNCONFIRMED` when the connection was
   * lost and asking again would do it twice. Messages are sent again, and are the same message.
   */
  request<T extends RequestName>(name: T, ask: Requests[T]["ask"]): Promise<Answer<T>> {
    return this.#wishes.ask(name, ask);
  }

  /** Says something in a room; resolves when the server has it for good. */
  say(room: string, text: string, options: SayOptions = {}): Promise<Answer<"say">> {
    const refusal = checkKind({ kind: "text", text, ...options });
    if (refusal !== undefined) return Promise.reject(thrownOf(refusal));
    return this.request("say", { room, text, cid: this.#random.bytes(16).toHex(), ...options });
  }

  /** Says something to one person, `nick@server`. */
  tell(to: string, text: string, options: MessageOptions = {}): Promise<Answer<"tell">> {
    const refusal = checkKind({ kind: "text", text, ...options });
    if (refusal !== undefined) return Promise.reject(thrownOf(refusal));
    return this.request("tell", { to, text, cid: this.#random.bytes(16).toHex(), ...options });
  }

  /** Enters a room, by its key if it has one, and is told of its past as `connect` has asked. */
  join(room: string, key?: string): Promise<Answer<"join">> {
    return this.request("join", this.#rooms.ask(room, key));
  }

  part(room: string, reason?: string): Promise<Answer<"part">> {
    return this.request("part", reason === undefined ? { room } : { room, reason });
  }

  /**
   * Takes another nick; one that is registered needs its password. While the server does not let
   * this client in again (`refused`), it is tried with that nick at once.
   */
  rename(nick: string, password?: string): Promise<Answer<"rename">> {
    const entered = this.#comeback.rename(nick, password);
    if (entered !== undefined) return entered;
    return this.request("rename", password === undefined ? { nick } : { nick, password });
  }

  // --- files ------------------------------------------------------------------------------------

  /**
   * Sends a file to `nick@server`; resolves when it is there, whole, under its final name. What is
   * interrupted after it was accepted goes on by itself, but for a stream, and where the receiver's
   * client can. Rejects with `TRANSFER_REJECTED`, `TRANSFER_CANCELLED`, `TRANSFER_INTERRUPTED` (it
   * did not go on within LIMITS.transferResumeMsMax), `FILE_UNREADABLE`, …
   */
  send(to: string, source: FileSource, options: SendOptions = {}): Promise<Sent> {
    return this.#transfers.send(to, source, options);
  }

  /**
   * Accepts an offer and receives it into a folder, which is made if need be; resolves when the
   * file is there, checked, under its final name. Nothing there is ever overwritten.
   */
  receive(offer: OfferEntry, folder: string, options: TransferOptions = {}): Promise<Received> {
    return this.#transfers.receive(offer, folder, options);
  }

  /** Rejects an offer; the reason is shown to the sender. */
  async reject(offer: Pick<OfferEntry, "transfer">, reason?: string): Promise<void> {
    const { transfer } = offer;
    await this.request("reject", reason === undefined ? { transfer } : { transfer, reason });
  }

  // --- the end ----------------------------------------------------------------------------------

  /** Says goodbye and closes; resolves when all is closed. Idempotent. */
  close(): Promise<void> {
    if (this.#phase !== "closed") {
      const connection = this.#connection ?? this.#opened;
      this.#end(undefined);
      if (connection === undefined) this.#closed.resolve();
      else connection.leave();
    }
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- internal: coming in ----------------------------------------------------------------------

  /** Dials and logs in; with a welcome, tries to go on with its session. */
  async #enter(resume: Login["resume"]): Promise<void> {
    const { server, tls, trust, agent = "chatfusion/client" } = this.#options;
    const { connection, firstMet } = await dialServer(
      { server, tls, trust, agent, net: this.#net, clock: this.#clock },
      (opened) => this.#handlersOf(opened),
    );
    if (firstMet !== undefined) this.#firstMet = firstMet;
    try {
      if (this.#phase === "closed") throw closedHere(); // nobody is to see it come and go
      await this.#identity.login(connection, resume);
    } catch (thrown) {
      connection.leave();
      throw thrown;
    }
  }

  #handlersOf(connection: Connection): ConnectionHandlers {
    this.#opened = connection;
    return {
      welcome: (welcome) => this.#welcomed(connection, welcome),
      frame: (type, payload) => this.#frame(type, payload),
      drained: () => {
        this.#requests.flush();
        this.#transfers.drained();
      },
      closed: (failure) => {
        if (this.#opened === connection) this.#opened = undefined;
        if (this.#phase === "closed") this.#closed.resolve();
        else if (this.#connection === connection) this.#lost(connection, failure);
      },
    };
  }

  #welcomed(connection: Connection, welcome: Welcome): void {
    if (this.#phase === "closed") return connection.leave();
    const isFirst = this.#phase === "entering";
    const missed = welcome.resumed ? [] : [...this.#rooms].filter((room) => room !== LOBBY);
    this.#phase = "in";
    this.#connection = connection;
    this.#welcome = welcome;
    this.#comeback.end();
    const wish = this.#identity.welcomed(welcome);
    this.#fusion = welcome.fusion;
    this.#rooms.reset([welcome.lobby, ...welcome.rooms, ...missed]);
    if (isFirst) {
      this.#listeners.hold();
      return this.#past.entered(...this.#rooms);
    }
    if (!welcome.resumed) this.#transfers.over();
    this.#requests.attach(welcome.resumed, welcome.lastRef);
    for (const room of missed) this.#joinAgain(room);
    this.#listeners.tell({
      type: "connection",
      state: welcome.resumed ? "resumed" : "back",
      welcome,
    });
    this.#requests.flush();
    if (!welcome.resumed) {
      this.#past.back(this.#rooms);
      this.#wishes.back();
    }
    if (wish !== undefined) {
      const { nick, password } = wish.credential;
      wish.done.resolve(this.rename(nick, password));
    }
    this.#transfers.back();
  }

  /** In a new session: whom the room does not take any more is out of it. */
  #joinAgain(room: string): void {
    this.#requests.askFirst("join", this.#rooms.ask(room)).catch((thrown: unknown) => {
      if (this.#phase === "closed" || !this.#leave(room)) return;
      this.#listeners.tell({ type: "removed", room, ...failureOf(thrown) });
    });
  }

  // --- internal: what comes in ------------------------------------------------------------------

  /** This client is in a room no more; false when it was not in it. */
  #leave(room: string): boolean {
    const wasIn = this.#rooms.delete(room);
    if (wasIn) this.#past.left(room);
    return wasIn;
  }

  #frame(type: number, payload: Bytes): void {
    if (this.#phase !== "in") return;
    if (type === FRAME.ack) {
      const ack = shape.read(type, shape.AckShape, payload);
      this.#requests.acknowledged(ack.ref, ack);
      return;
    }
    if (type === FRAME.error) {
      const error = shape.read(type, shape.ErrorShape, payload);
      const refusal = refusalOf(error);
      if (error.ref !== undefined) this.#requests.refused(error.ref, refusal);
      // What was said of a transfer while its end was on its way is no news.
      else if (error.code !== "NO_SUCH_TRANSFER")
        this.#listeners.tell({ type: "refused", ...refusal });
      return;
    }
    if (this.#transfers.frame(type, payload)) return;
    // An event of a newer server is none of ours.
    const event = readEvent(type, payload);
    if (event === undefined) return;
    if (event.type === "failed" && !this.#transfers.failed(event)) return;
    if (event.type === "offered" && this.#transfers.offeredAgain(event.offer)) return;
    if (event.type === "removed") this.#leave(event.room);
    if (event.type === "merged" || event.type === "split") this.#fusion = event.fusion;
    if (this.#wishes.isNews(event)) this.#past.take(event);
  }

  // --- internal: what goes out ------------------------------------------------------------------

  #sendFrame(frame: Bytes, lane: "room" | "bulk" = "room"): boolean {
    this.#flushSoon();
    return this.#connection?.sendFrame(frame, lane) ?? false;
  }

  /** All that is asked in one turn leaves in one write. */
  #flushSoon(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    queueMicrotask(() => {
      this.#isFlushDue = false;
      this.#connection?.flush();
    });
  }

  // --- internal: going away and coming back -----------------------------------------------------

  #lost(connection: Connection, failure: ChatFusionError): void {
    this.#connection = undefined;
    this.#requests.detach();
    if (this.#options.reconnect === false || isFinal(failure.code)) {
      this.#transfers.close(interrupted("the connection was lost")); // none waits for it
      return this.#end(failure);
    }
    this.#transfers.lost();
    this.#phase = "lost";
    const token = this.#welcome?.resume ?? "";
    this.#listeners.tell({ type: "connection", state: "lost", failure });
    this.#comeback.begin({ token, received: connection.received });
  }

  #end(failure: ChatFusionError | undefined): void {
    if (this.#phase === "closed") return;
    const why = failure ?? closedHere();
    this.#comeback.end();
    this.#transfers.close(why, failure === undefined ? `${this.address} has left` : undefined);
    this.#requests.close(why);
    this.#identity.close(why);
    this.#past.close();
    this.#listeners.release();
    this.#phase = "closed";
    this.#connection = undefined;
    const event = { type: "connection", state: "closed" } as const;
    this.#listeners.tell(failure === undefined ? event : { ...event, failure });
    if (failure !== undefined) this.#closed.resolve();
  }
}

const closedHere = () => new ChatFusionError("CANNOT_CONNECT", "the client was closed");
