// A fabric's link on the core's wire: frames in and out, and the reason of its end.

import type { Bytes, Lane, Wire } from "../environment.ts";
import type { ErrorCode, Failure } from "../errors.ts";
import { ERRORS, failure, failureOf, isFailure, ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Link, LinkHandlers } from "../plugin/fabric.ts";
import {
  decodeJson,
  encodeJson,
  FRAME,
  FRAME_HEAD_BYTES,
  FrameReader,
  writeHead,
} from "../protocol/frame.ts";

export interface LiveLink {
  readonly link: Link;
  /** Bytes of the wire. Throws on what is no frame: the wire is then closed. */
  data(chunk: Bytes): void;
  drained(): void;
  closed(reason: string): void;
}

/**
 * Makes a link of a wire. `dirty` has the wire flushed at the end of the tick; `dialled` says that
 * the peer has yet to show that it is a ChatFusion server at all.
 */
export function createLink(
  wire: Wire,
  handlers: () => LinkHandlers,
  options: { readonly dialled: boolean; dirty(wire: Wire): void },
): LiveLink {
  const reader = new FrameReader(LIMITS.frameBytesMaxBeforeEntry);
  let told: Failure | undefined;
  let heard = !options.dialled;
  let open = true;
  wire.bound("control", LIMITS.linkControlBytesMax);
  wire.bound("private", LIMITS.linkPrivateBytesMax);
  wire.bound("room", LIMITS.linkRoomBytesMax);
  wire.bound("bulk", LIMITS.linkBulkBytesMax);

  const close = (reason: Failure) => {
    if (!open) return;
    open = false;
    told ??= reason;
    wire.send("control", encodeJson(FRAME.error, reason));
    wire.flush();
    wire.close(`${reason.code}: ${reason.text}`);
  };
  const frame = (type: number, payload: Bytes): boolean => {
    if (!open) return false;
    if (type >= FIRST_FABRIC_TYPE) {
      heard = true;
      handlers().frame(type, payload);
      return open;
    }
    if (type !== FRAME.error) throw new ProtocolError("UNKNOWN_TYPE", `frame type ${type}`);
    const value = decodeJson(payload);
    told = isFailure(value)
      ? failure(value.code, value.text.slice(0, LIMITS.toldLengthMax))
      : failure("INTERNAL", "refused");
    open = false;
    wire.close(`${told.code}: ${told.text}`);
    return false;
  };
  const link: Link = {
    remote: wire.remote,
    fingerprint: wire.fingerprint,
    send(traffic: Lane, type, ...parts) {
      if (!open) return false;
      let size = 0;
      for (const part of parts) size += part.length;
      options.dirty(wire);
      if (traffic === "bulk") {
        const head = new Uint8Array(FRAME_HEAD_BYTES);
        writeHead(head, 0, type, size);
        return wire.sendBorrowed(traffic, [head, ...parts]);
      }
      const whole = new Uint8Array(FRAME_HEAD_BYTES + size);
      writeHead(whole, 0, type, size);
      let at = FRAME_HEAD_BYTES;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return wire.send(traffic, whole);
    },
    queuedBytes: (traffic) => wire.queuedBytes(traffic),
    limit: (frameBytesMax) => {
      reader.limit = Math.min(frameBytesMax, LIMITS.linkFrameBytesMax);
    },
    close,
  };
  return {
    link,
    data(chunk) {
      try {
        reader.push(chunk, frame);
      } catch (thrown) {
        const fault = heard
          ? failureOf(thrown)
          : failure("NOT_CHATFUSION", `${wire.remote} is not a ChatFusion server`);
        close(fault);
        if (!(thrown instanceof ProtocolError)) throw thrown;
      }
    },
    drained: () => handlers().idle(),
    closed(reason) {
      open = false;
      const why = told ?? reasonOf(reason);
      // Without a code of ours it is the transport's end, and nothing came before it.
      const isSilent = !heard && why.code === "CANNOT_CONNECT";
      const silent = failure("NOT_CHATFUSION", `${wire.remote} closed without a word`);
      handlers().closed(isSilent ? silent : why);
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** The first type that is a fabric's own. */
const FIRST_FABRIC_TYPE = 16;

/** Reads the reason of a wire's end, `CODE: text`, where it has that form. */
function reasonOf(reason: string): Failure {
  const at = reason.indexOf(": ");
  const code = reason.slice(0, at);
  if (at > 0 && Object.hasOwn(ERRORS, code))
    return failure(code as ErrorCode, reason.slice(at + 2)); // a key
  return failure("CANNOT_CONNECT", reason === "" ? "the connection was closed" : reason);
}
