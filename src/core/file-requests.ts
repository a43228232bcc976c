// What the requests about files do. See requests.ts.

import type { Failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Ask } from "../protocol/messages.ts";
import type { Offers } from "./offers.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";
import type { Transfers } from "./transfers.ts";

export interface FileRequestsOptions {
  readonly offers: Offers;
  readonly transfers: Transfers;
}

export function fileHandlers({ offers, transfers }: FileRequestsOptions) {
  const passed = (transfer: string, refused: Failure | undefined): Outcome =>
    refused ?? { answer: { transfer } };
  return {
    offer: (session: LiveSession, ask: Ask<"offer">): Outcome => ({
      when: (answer) => offers.offer(session, ask, answer),
    }),
    accept: (session: LiveSession, ask: Ask<"accept">): Outcome => {
      const upTo = ask.offset + LIMITS.creditBytes;
      return passed(ask.transfer, transfers.take(session, { type: "accepted", ...ask, upTo }));
    },
    reject: (session: LiveSession, { transfer, reason }: Ask<"reject">): Outcome => {
      const code = "TRANSFER_REJECTED";
      const text = reason ?? "it was rejected";
      return passed(transfer, transfers.take(session, { type: "failed", transfer, code, text }));
    },
    cancel: (session: LiveSession, { transfer, reason, code }: Ask<"cancel">): Outcome => {
      const text = reason ?? "it was cancelled";
      return passed(transfer, transfers.take(session, { type: "failed", transfer, code, text }));
    },
    finish: (session: LiveSession, { transfer, sha256 }: Ask<"finish">): Outcome =>
      passed(transfer, transfers.take(session, { type: "finished", transfer, sha256 })),
    credit: (session: LiveSession, { transfer, upTo }: Ask<"credit">): Outcome =>
      passed(transfer, transfers.take(session, { type: "credit", transfer, upTo })),
    done: (session: LiveSession, { transfer, sha256 }: Ask<"done">): Outcome =>
      passed(transfer, transfers.take(session, { type: "done", transfer, sha256 })),
  };
}
