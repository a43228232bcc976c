// The ports at which the gateway listens, and what it tells of one to those who come by another.
// Next: visit.ts (one who comes).

import { LIMITS } from "chatfusion";
import { accept } from "./visit.ts";
import type { World } from "./world.ts";

/** Opens all of them; resolves to their addresses, for the operator. */
export async function openDoors(world: World): Promise<readonly string[]> {
  const { host, options } = world;
  const { more, sts } = options;
  const doors = [options, ...more];
  // The doors for TLS first: the others tell where they are.
  if (sts !== false) doors.sort((a, b) => Number(b.tls) - Number(a.tls));
  let tlsPort = sts === false ? undefined : sts.port;
  const asksCertificates = host.mechanisms().includes("EXTERNAL");
  const opened: string[] = [];
  for (const { port, tls, host: where } of doors) {
    const at = where === undefined ? {} : { host: where };
    const taken = await host.listen({ port, tls, asksCertificates, ...at }, (connection) => {
      if (sts === false || tlsPort === undefined) return accept(world, connection, undefined);
      return accept(world, connection, `${tls ? "" : `port=${tlsPort},`}duration=${sts.duration}`);
    });
    if (tls) tlsPort ??= taken;
    opened.push(`irc port ${taken}`);
  }
  if (options.webSocket !== undefined) {
    const { port, tls, origins, host: where } = options.webSocket;
    const at = where === undefined ? {} : { host: where };
    const door = {
      port,
      tls,
      origins,
      ...at,
      protocols,
      messageBytesMax: LIMITS.ircUnendedBytesMax,
    };
    const taken = await host.listenWeb(door, (connection) => accept(world, connection, undefined));
    opened.push(`irc WebSocket port ${taken}`);
  }
  return opened;
}

// --- internal ---

/** IRCv3 websocket. */
const protocols = { "text.ircv3.net": "text", "binary.ircv3.net": "binary" } as const;
