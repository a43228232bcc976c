// A wire that hands on what is sent, and whose fullness a test decides.

import type { Bytes, Wire } from "../../src/environment.ts";

export interface FakeWire extends Wire {
  /** Nothing more is taken: the bound is passed. */
  full: boolean;
  /** Nothing more is taken: it is closing. */
  closing: boolean;
}

export function fakeWire(take: (bytes: Bytes) => void, queued: () => number = () => 0): FakeWire {
  return {
    remote: "test:1",
    secure: true,
    tls: false,
    fingerprint: undefined,
    full: false,
    closing: false,
    send(_lane, bytes) {
      if (this.full || this.closing) return false;
      take(bytes);
      return true;
    },
    sendBorrowed: () => true,
    queuedBytes: queued,
    bound() {},
    flush() {},
    pause() {},
    resume() {},
    close() {},
  };
}
