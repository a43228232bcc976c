// Chunks on their way to a session of this server, in place: frames that stand one behind the other
// in what was read leave as one run, by one write. Next: transfers.ts (which chunks may pass).
// Invariant: what is gathered is handed on before the read that brought it returns, since its bytes
// are borrowed until then.

import type { Bytes } from "../environment.ts";
import type { Doorway } from "./session-host.ts";

export function createForwarding() {
  let to: Doorway | undefined;
  /** Whole frames; a view of what was read. */
  let run: Bytes | undefined;

  const handOn = (): void => {
    const [doorway, frames] = [to, run];
    to = run = undefined;
    if (doorway !== undefined && frames !== undefined) doorway.chunks?.(frames);
  };

  return {
    /** Gathers a whole frame, borrowed, for a doorway that takes frames. */
    add(doorway: Doorway, frame: Bytes): void {
      const end = run === undefined ? 0 : run.byteOffset + run.length;
      if (to === doorway && run?.buffer === frame.buffer && end === frame.byteOffset) {
        run = new Uint8Array(run.buffer, run.byteOffset, run.length + frame.length);
        return;
      }
      handOn();
      to = doorway;
      run = frame;
    },
    /** Hands on what was gathered. */
    handOn,
  };
}
