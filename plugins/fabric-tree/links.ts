// The links of this server that are up, by the ports that routes name.

import { failure, sameName } from "chatfusion";
import type { Failure, Millis, ServerName, Sid } from "chatfusion";
import { wayTo } from "./route.ts";
import type { Session } from "./session.ts";
import { edgeTo } from "./view.ts";
import type { Judgement } from "./view.ts";

export class Links {
  readonly byPort = new Map<number, Session>();

  to(peer: Sid): Session | undefined {
    for (const session of this.byPort.values()) if (session.peer === peer) return session;
    return undefined;
  }

  /** Of two namesakes, until one of them is undone, the one that people see. */
  named(server: ServerName, judgement: Judgement): Session | undefined {
    const namesakes = [...this.byPort.values()].filter(
      ({ name }) => name !== undefined && sameName(name, server),
    );
    const seen = namesakes.find((session) => this.stateOf(session, judgement) !== undefined);
    return seen ?? namesakes[0];
  }

  readonly rttTo = (peer: Sid): Millis | undefined => this.to(peer)?.rttMs;

  /** What a link is in the fusion; undefined while it is not, or not yet, in the view. */
  stateOf(session: Session | undefined, judgement: Judgement): "tree" | "standby" | undefined {
    if (session?.peer === undefined) return undefined;
    const edge = edgeTo(judgement, session.peer);
    return edge?.birth !== session.birth || edge.state === "undone" ? undefined : edge.state;
  }

  count(state: "tree" | "standby", judgement: Judgement): number {
    const sessions = [...this.byPort.values()];
    return sessions.filter((session) => this.stateOf(session, judgement) === state).length;
  }

  /** Says where a server is to which there is no link, and which links there are. */
  notLinked(server: ServerName, judgement: Judgement): Failure {
    const names = [...this.byPort.values()].flatMap(({ name }) => name ?? []).toSorted();
    const links = names.length === 0 ? "there are no links" : `links: ${names.join(", ")}`;
    const at = judgement.servers.findIndex(({ name }) => sameName(name, server));
    const [first] = wayTo(judgement, at);
    const where =
      at === 0
        ? "is this server"
        : first === undefined
          ? "is no server of this fusion"
          : `is not linked directly, it is reached through ${first.name}`;
    return failure("NOT_LINKED", `${server} ${where}; ${links}`);
  }
}
