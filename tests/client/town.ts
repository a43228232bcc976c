// A simulated server whose people have passwords, and which is started again.

import { allow, definePlugin, deny } from "../../src/plugin.ts";
import { createSimulation, logStore } from "../../src/testing.ts";

/** Makes the server, paris; people register by themselves, and their passwords outlive it. */
export function town() {
  const passwords = new Map<string, string>();
  const auth = definePlugin({
    name: "auth-book",
    provides: ["auth"],
    setup: () => ({
      accountOf: (nick: string) => (passwords.has(nick) ? nick : undefined),
      register({ nick, password }) {
        passwords.set(nick, password);
        return allow(nick);
      },
      onAuth({ nick, credential }) {
        const password = passwords.get(nick);
        if (password === undefined) return allow();
        if (credential.kind !== "password") return deny("log in", "NICK_REGISTERED");
        if (credential.password !== password) return deny("wrong", "AUTH_FAILED");
        return allow(nick);
      },
    }),
  });
  const simulation = createSimulation({ seed: 1, plugins: [auth(), logStore()] });
  simulation.start("paris");
  const restart = () => {
    simulation.crash("paris");
    simulation.world.run(1000);
    simulation.start("paris");
    simulation.world.run(60_000);
  };
  return { simulation, passwords, restart };
}
