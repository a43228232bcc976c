// The links of this server that are up, by the ports that routes name.

import { sameName } from "chatfusion";
import type { Millis, ServerName, Sid } from "chatfusion";
import type { Session } from "./session.ts";

export class Links {
  readonly byPort = new Map<number, Session>();

  to(peer: Sid): Session | undefined {
    for (const session of this.byPort.values()) if (session.peer === peer) return session;
    return undefined;
  }

  named(server: ServerName): Session | undefined {
    for (const session of this.byPort.values()) {
      if (session.name !== undefined && sameName(session.name, server)) return session;
    }
    return undefined;
  }

  readonly rttTo = (peer: Sid): Millis | undefined => this.to(peer)?.rttMs;

  /** For people; "none" where there are none. */
  get names(): string {
    const names = [...this.byPort.values()].flatMap(({ name }) => name ?? []);
    return names.length === 0 ? "none" : names.toSorted().join(", ");
  }
}
