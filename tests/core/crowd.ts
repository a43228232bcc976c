// Thousands of people on one server, in one process: they come by a gateway of their own, which
// counts what they are told. A format is shared by all: what is encoded once goes to each of them.

import { definePlugin, type GatewayHost, type Plugin, type Session } from "../../src/plugin.ts";
import type { Home, Place } from "./place.ts";

export class Crowd {
  readonly sessions: Session[] = [];
  /** Kinds of the events that each of the crowd was told, in order. */
  readonly told: string[] = [];
  #host: GatewayHost | undefined;

  plugin(): Plugin {
    return definePlugin({
      name: "gateway-crowd",
      provides: ["gateway"],
      setup: ({ host }) => {
        this.#host = host;
        return { gateway: { open: () => [], close() {} } };
      },
    })();
  }

  /** Lets so many come in, named from `n0` on, and waits until all are there. */
  enter(place: Pick<Place, "world">, home: Pick<Home, "name">, count: number): void {
    const host = this.#host;
    if (host === undefined) throw new Error(`${home.name} is not set up`);
    const format = {
      echo: true,
      encode: ({ type }: { readonly type: string }) => {
        this.told.push(type);
        return "x";
      },
    };
    const enterOne = async (i: number) => {
      const sink = {
        remote: `10.0.${i >> 8}.${i & 255}`,
        secure: true,
        write: (_bytes: Uint8Array, from: number, to: number) => to - from,
        pause() {},
        resume() {},
        end() {},
      };
      const { connection } = host.adopt(sink, () => {});
      const entry = { nick: `n${i}`, credential: { kind: "none" }, connection, format } as const;
      const session = await host.enter({ ...entry, personal() {} });
      if ("code" in session) throw new Error(`n${i}: ${session.code} ${session.text}`);
      this.sessions.push(session);
    };
    // Strangers are counted: not all come at once.
    for (let first = 0; first < count; first += 500) {
      const some = Array.from({ length: Math.min(500, count - first) }, (_, i) => first + i);
      place.world.until(Promise.all(some.map(enterOne)));
    }
  }
}
