// Provides a gateway: a door for IRC clients, with RFC 1459/2812, "modern IRC" and IRCv3. Its
// people are people of the server like all others. docs/irc.md: what on IRC stands for what.
//
//   plugins: [gatewayIrc({ port: 6667 }), …]
//   plugins: [gatewayIrc({ port: 6697, more: [{ port: 6667, host: "127.0.0.1" }] }), …]
//
// Next: gateway-irc/client.ts (one connection), gateway-irc/commands.ts (what it can do).

import type { Clock } from "chatfusion";
import { definePlugin, LIMITS } from "chatfusion";
import type { Client } from "./gateway-irc/client.ts";
import { runCommand } from "./gateway-irc/commands.ts";
import { openDoors } from "./gateway-irc/doors.ts";
import { Cuts } from "./gateway-irc/cuts.ts";
import { createFormats } from "./gateway-irc/format.ts";
import { isupportLines } from "./gateway-irc/isupport.ts";
import { USER_MODES } from "./gateway-irc/modes.ts";
import { createNames } from "./gateway-irc/names.ts";
import { Options } from "./gateway-irc/options.ts";
import { createWhowas } from "./gateway-irc/whowas.ts";
import type { World } from "./gateway-irc/world.ts";

export default definePlugin({
  name: "gateway-irc",
  provides: ["gateway"],
  options: Options,
  setup({ self, options, host, clock, log, metrics }) {
    const names = createNames(self);
    const cuts = new Cuts();
    const world: World = {
      options,
      host,
      clock,
      log,
      names,
      cuts,
      formats: createFormats({
        cuts,
        names,
        lobby: options.lobby,
        encoded: metrics.counter("encoded", "messages written as lines, once for each format"),
      }),
      whowas: createWhowas(),
      startedAt: clock.now(),
      clients: new Set<Client>(),
      strangers: new Set<Client>(),
      inMode: new Map(Array.from(USER_MODES, (letter) => [letter, new Set<Client>()])),
      isupport: isupportLines(options),
      most: { here: 0, fusion: 0 },
      run: runCommand,
    };
    metrics.gauge("clients", "connections of IRC clients", () => world.clients.size);
    let stopSweep = () => {};
    return {
      roles: [options.operatorRole],
      onPresence({ person, now }) {
        if (now !== "offline") return;
        const address = `${person.nick}@${person.server}`;
        const { account } = person;
        world.whowas.add({
          nick: person.nick,
          user: names.user(address, account),
          realName: names.realName(address),
          host: person.server,
          account,
          at: clock.now(),
        });
        names.forget(address);
      },
      gateway: {
        open() {
          stopSweep = sweep(world, clock);
          return openDoors(world);
        },
        close: () => stopSweep(),
      },
    };
  },
});

// --- internal ---

/** Asks those who have been silent for long, and sends those away who do not answer. */
function sweep(world: World, clock: Clock): () => void {
  let cancel = () => {};
  const look = (): void => {
    const now = clock.monotonic();
    for (const client of world.clients) {
      const silentMs = now - client.heardAt;
      if (client.phase !== "in") continue; // strangers have their time from the core
      if (client.pinged && silentMs > LIMITS.ircIdleMsMax + LIMITS.ircPongMsMax) {
        client.quit("Ping timeout");
      } else if (!client.pinged && silentMs > LIMITS.ircIdleMsMax) {
        client.pinged = true;
        client.send(`PING :${world.names.self}\r\n`);
      }
    }
    cancel = clock.after(LIMITS.ircSweepMs, look);
  };
  cancel = clock.after(LIMITS.ircSweepMs, look);
  return () => cancel();
}
