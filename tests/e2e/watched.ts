// A server in this process, over real sockets, whose fabric is watched: its view as it changes, the
// births that it has announced, and all that its operator reads. Nothing that it does is changed.

import fabricTree from "chatfusion/plugins/fabric-tree";
import { peekAnnouncement, readAnnouncement } from "../../plugins/fabric-tree/announcement.ts";
import { LINK_FRAME } from "../../plugins/fabric-tree/hello.ts";
import { type Client, connect } from "../../src/client.ts";
import type { CommandResult, Context, Plugin } from "../../src/plugin.ts";
import { isFailure } from "../../src/plugin.ts";
import type {
  Bytes,
  Fabric,
  FabricHost,
  FabricReport,
  Failure,
  Link,
  Sid,
  View,
} from "../../src/plugin.ts";
import { startServer, type TestServer } from "../../src/testing.ts";

/** What the operator was answered to a merge. */
export interface Answer {
  readonly to: Watched;
  /** "merged", "standby", or the code of a failure. */
  readonly state: string;
  readonly text: string;
}

/** A server, with one person on it who hears everything. */
export class Watched {
  /** What the person has heard, by who said it. */
  readonly heard = new Map<string, string[]>();
  readonly reports: FabricReport[] = [];
  readonly answers: Answer[] = [];
  /** By name: who was first seen by it. */
  readonly pins = new Map<string, Sid>();
  /** As it is listed now. */
  links: ReadonlyMap<Sid, { readonly birth: number }> = new Map();
  client!: Client;
  sid!: Sid;
  readonly #births = new Map<Sid, Set<number>>();
  #server!: TestServer;
  #read!: () => View;

  private constructor(readonly name: string) {}

  /** Starts a server; `happened` is called when its view has changed, or something is heard. */
  static async start(name: string, happened: (what: "view" | "heard") => void): Promise<Watched> {
    const one = new Watched(name);
    const fabric = one.#watch(() => happened("view"));
    one.#server = await startServer({ name, plugins: [fabric] });
    const { host, port } = one.#server;
    one.client = await connect({ nick: "ann", server: { host, port }, reconnect: false });
    one.client.on((event) => {
      if (event.type !== "message") return;
      const { from, text } = event.message;
      const texts = one.heard.get(from);
      if (texts === undefined) one.heard.set(from, [text]);
      else texts.push(text);
      happened("heard");
    });
    return one;
  }

  get view(): View {
    return this.#read();
  }

  /** What it sees, in a form that can be compared. */
  get sight(): string {
    const { servers, links } = this.view;
    const sids = servers.map(({ sid }) => sid).toSorted();
    return [...sids, ...links.map(({ a, b, state }) => `${a} ${b} ${state}`).toSorted()].join();
  }

  /** Every birth that it has listed of links with another server. */
  birthsWith({ sid }: Watched): ReadonlySet<number> {
    return this.#births.get(sid) ?? new Set();
  }

  get address(): string {
    return `${this.#server.host}:${this.#server.port}`;
  }

  /** Types `merge` on its console; resolves when that is answered. */
  async merge(to: Watched): Promise<void> {
    const answer = await this.#server.run("merge", to.address);
    this.answers.push({ to, state: stateOf(answer), text: answer.text });
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.#server[Symbol.asyncDispose]();
  }

  #watch(changed: () => void): Plugin {
    const plugin: Plugin = fabricTree();
    const setup = (given: unknown) => {
      const context = given as Context<undefined, ["fabric"], []>; // it provides a fabric
      const { host } = context;
      this.sid = host.identity.sid;
      const watched: FabricHost = {
        ...host,
        dial: (address, hello, opened) =>
          host.dial(address, hello, (link) => opened(this.#listen(link, host))),
        changed: () => {
          host.changed();
          for (const { name, sid } of this.view.servers) {
            if (!this.pins.has(name)) this.pins.set(name, sid);
          }
          changed();
        },
        report: (report) => {
          this.reports.push(report);
          host.report(report);
        },
      };
      const parts = plugin.setup({ ...context, host: watched });
      const fabric = parts.fabric!;
      this.#read = () => fabric.view;
      const accept = (link: Link, hello: Bytes) => fabric.accept(this.#listen(link, host), hello);
      const listening = Object.create(fabric, { accept: { value: accept } }) as Fabric;
      return { ...parts, fabric: listening };
    };
    return { ...plugin, setup };
  }

  /** Reads what this server announces of itself, as it leaves. */
  #listen(link: Link, { identity }: FabricHost): Link {
    const send: Link["send"] = (traffic, type, ...parts) => {
      const sent = link.send(traffic, type, ...parts);
      const [bytes] = parts;
      if (type !== LINK_FRAME.announcement || bytes === undefined) return sent;
      if (peekAnnouncement(bytes).sid !== this.sid) return sent;
      this.links = readAnnouncement(bytes, identity).byPeer;
      for (const [peer, { birth }] of this.links) {
        this.#births.set(peer, (this.#births.get(peer) ?? new Set()).add(birth));
      }
      return sent;
    };
    return Object.create(link, { send: { value: send } }) as Link;
  }
}

// --- internal ------------------------------------------------------------------------------------

function stateOf(answer: CommandResult | Failure): string {
  if (isFailure(answer)) return answer.code;
  return (answer.data as { readonly state: string }).state; // what merge answers with
}
