// The files of one client: those that it sends (upload.ts) and those that it is sent (delivery.ts),
// by the DCC of the config; and what it says of them by CTCP.

import type { Beside, BesideHandlers, PersonalEvent } from "chatfusion";
import { isFailure, LIMITS } from "chatfusion";
import type { Client } from "./client.ts";
import { canonical, parseResume, parseSend } from "./dcc.ts";
import { Delivery } from "./delivery.ts";
import type { Line } from "./line.ts";
import { notice } from "./personal.ts";
import type { Reply } from "./reply.ts";
import { isChannel, shownOf } from "./rooms.ts";
import { Upload } from "./upload.ts";

/** What a session is told of files. */
export type FileEvent = Extract<
  PersonalEvent,
  {
    readonly type: "offered" | "accepted" | "credit" | "finished" | "done" | "failed" | "chunk";
  }
>;

/** Of a transfer as a whole. */
type Told = Exclude<FileEvent, { readonly type: "offered" | "chunk" }>;

export class Files {
  readonly #client: Client;
  readonly #uploads = new Map<string, Upload>();
  readonly #deliveries = new Map<string, Delivery>();
  /** Offers without an answer yet; and what is told meanwhile of transfers that are not known. */
  #offering = 0;
  #early: Told[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  told(event: FileEvent): void {
    switch (event.type) {
      case "offered":
        return this.#offered(event.offer);
      case "chunk":
        return this.#deliveries.get(event.chunk.subarray(0, 16).toHex())?.chunk(event.chunk);
      default:
        return this.#told(event);
    }
  }

  /** Takes what is about a file; false for all else, such as a chat by DCC. */
  said({ params }: Line, reply: Reply): boolean {
    const [target = "", text = ""] = params;
    if (this.#client.world.options.dcc === false) return false;
    const port = parseResume(text);
    for (const one of this.#deliveries.values())
      if (port !== undefined && one.port === port) {
        notice(this.#client, "A file cannot be resumed: take it from its beginning");
        reply.end();
        return true;
      }
    const offer = parseSend(text);
    if (offer === undefined) return false;
    const refused = typeof offer === "string" ? offer : this.#fault(target, offer);
    if (refused !== undefined) {
      reply.numeric("ERR_CANNOTSENDTOCHAN", [shownOf(target)], `DCC: ${refused}`);
      reply.end();
    } else if (typeof offer !== "string") this.#send(target, offer, reply);
    return true;
  }

  /** A port of the config's that is free, for the client alone; undefined where there is none. */
  async listen(
    accept: (side: Beside) => BesideHandlers,
  ): Promise<{ readonly address: string; readonly port: number; close(): void } | undefined> {
    const { connection, world } = this.#client;
    const { dcc } = world.options;
    if (dcc === false) return undefined;
    const { host, address = host, ports } = dcc;
    const [from, to] = ports;
    for (let port = from; port <= to && port < from + LIMITS.dccPortsMax; port++) {
      try {
        const listener = await world.host.listenBeside({ connection, host, port }, accept);
        return { address, port: listener.port, close: () => listener.close() };
      } catch {
        // It is taken, by another file mostly: the next one.
      }
    }
    return undefined;
  }

  /** The client is gone. */
  gone(): void {
    for (const one of [...this.#uploads.values(), ...this.#deliveries.values()]) one.gone();
  }

  // --- internal ---

  #told(event: Told): void {
    const upload = this.#uploads.get(event.transfer);
    const delivery = this.#deliveries.get(event.transfer);
    if (this.#offering > 0 && upload === undefined && delivery === undefined) {
      this.#early.push(event);
      if (this.#early.length > LIMITS.transfersPerSessionMax) this.#early.shift();
    }
    switch (event.type) {
      case "accepted":
        return upload?.accepted(event.offset, event.upTo);
      case "credit":
        return upload?.credit(event.upTo);
      case "done":
        return upload?.ended("it has arrived");
      case "finished":
        return delivery?.finished(event.sha256);
      case "failed":
        return (upload ?? delivery)?.ended(event.text);
      default:
        event satisfies never;
    }
  }

  #fault(target: string, offer: Exclude<ReturnType<typeof parseSend>, string | undefined>) {
    if (isChannel(target)) return "a file goes to one person";
    if (offer.port === 0) return undefined;
    const { remote } = this.#client.connection;
    const own = canonical(remote.slice(0, remote.lastIndexOf(":")).replaceAll(/[[\]]/g, ""));
    if (offer.address !== own)
      return `address: expected yours, ${own}, got ${offer.address}; use passive DCC`;
    return offer.port > 1023 ? undefined : `port: expected one over 1023, got ${offer.port}`;
  }

  #send(
    target: string,
    offer: Exclude<ReturnType<typeof parseSend>, string | undefined>,
    reply: Reply,
  ): void {
    const client = this.#client;
    const to = client.world.names.address(target);
    const ask = { to, name: offer.name, size: offer.sizeBytes };
    this.#offering++;
    client.session?.request("offer", ask, (answer) => {
      const early = this.#early;
      if (--this.#offering === 0) this.#early = [];
      if (isFailure(answer)) reply.numeric("ERR_NOSUCHNICK", [shownOf(target)], answer.text);
      else {
        const { transfer } = answer;
        const forget = () => void this.#uploads.delete(transfer);
        this.#uploads.set(transfer, new Upload({ client, transfer, offer, to, forget }));
        for (const event of early) if (event.transfer === transfer) this.#told(event);
      }
      reply.end();
    });
  }

  #offered(offer: Extract<FileEvent, { readonly type: "offered" }>["offer"]): void {
    const client = this.#client;
    const { transfer } = offer;
    // Behind the answer to the offer; else its sender would wait for ten minutes.
    const reject = (reason: string) =>
      client.world.clock.soon(() => client.session?.request("reject", { transfer, reason }));
    // Its beginning went to another client: perhaps to somebody else, who had this nick.
    if (offer.again === true) return reject("its beginning is not there: send it again");
    if (client.world.options.dcc === false) {
      const nick = client.world.names.nick(offer.from);
      const what = `${offer.name} (${offer.size} bytes)`;
      reject("they chat by IRC, which cannot take files there");
      return notice(client, `${nick} offers a file, which IRC cannot take here: ${what}`);
    }
    const delivery = new Delivery(client, offer, () => void this.#deliveries.delete(transfer));
    this.#deliveries.set(transfer, delivery);
    delivery.begin().catch((thrown: unknown) => {
      client.world.log.error("a file could not be offered", { error: thrown });
      delivery.gone();
    });
  }
}
