// Bounds what the kernel takes for a peer that does not read (TCP_NOTSENT_LOWAT, tcp(7)): 0.3 MB
// instead of 4, which no outbox sees and no chat can overtake. Bun has no call for it, so it is
// libc's, by bun:ffi; where that cannot be had, all works as without.

import type * as Ffi from "bun:ffi";
import { LIMITS } from "../limits.ts";

/** Bounds the unsent bytes of a socket. Returns whether it did. */
export function boundUnsent(socket: object): boolean {
  // COMPAT(bun-types): sockets have it, and it is -1 once they are closed.
  const { fd = -1 } = socket as { readonly fd?: number };
  if (fd < 0) return false;
  setOption ??= load();
  return setOption(fd);
}

// --- internal -----------------------------------------------------------------------------------

type SetOption = (fd: number) => boolean;

/** Loaded with the first socket. */
let setOption: SetOption | undefined;

const IPPROTO_TCP = 6;
/** Where libc is, and the option's number. */
const systems: Readonly<Record<string, readonly [library: string, option: number]>> = {
  linux: ["libc.so.6", 25],
  darwin: ["libSystem.B.dylib", 0x201],
};

function load(): SetOption {
  const none: SetOption = () => false;
  const [library, option] = systems[process.platform] ?? [];
  if (library === undefined || option === undefined) return none;
  try {
    const { dlopen, ptr } = import.meta.require("bun:ffi") as typeof Ffi; // its module
    const { symbols } = dlopen(library, {
      setsockopt: { args: ["int", "int", "int", "ptr", "uint32_t"], returns: "int" },
    });
    const value = Uint32Array.of(LIMITS.unsentBytesMax);
    return (fd) => symbols.setsockopt(fd, IPPROTO_TCP, option, ptr(value), value.byteLength) === 0;
  } catch (_noLibc) {
    return none; // another libc, or no bun:ffi
  }
}
