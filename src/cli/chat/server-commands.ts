// The commands that the server offers to this person: asked for once, and again where they may be
// others. They are typed like the chat's own, whose names win; `/run NAME` reaches all of them.

import type { Answer, Client, CommandEntry } from "../../client.ts";
import { ChatFusionError } from "../../errors.ts";
import { wordsOf } from "../usage.ts";
import { unknownCommand } from "./commands.ts";

export class ServerCommands {
  readonly #client: Pick<Client, "request">;
  #known: readonly CommandEntry[] = [];
  #asked: Promise<readonly CommandEntry[]> | undefined;

  constructor(client: Pick<Client, "request">) {
    this.#client = client;
  }

  /** As far as they are known now: for the Tab key. */
  get known(): readonly CommandEntry[] {
    return this.#known;
  }

  /** Asks for them, unless that was done; none where the server does not say. Never rejects. */
  list(): Promise<readonly CommandEntry[]> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  /** Another session, or another nick: asks again, if anybody has asked before. */
  renew(): void {
    if (this.#asked !== undefined) this.#asked = this.#ask();
  }

  /**
   * Runs one with the words that its usage makes of `rest`. `isShort`: it was typed without /run.
   * Rejects with the server's refusal, and of a short one that is not offered with
   * `NO_SUCH_COMMAND` and what was meant.
   */
  async run(typed: string, rest: string, isShort: boolean): Promise<Answer<"command">> {
    const name = typed.toLowerCase();
    const offered = await this.list();
    const found = offered.find((one) => one.name === name);
    if (found === undefined && isShort) throw unknownCommand(name, offered);
    const args = [...wordsOf(rest, found?.usage ?? "")];
    return this.#client.request("command", { name, args });
  }

  // --- internal ---------------------------------------------------------------------------------

  async #ask(): Promise<readonly CommandEntry[]> {
    try {
      this.#known = (await this.#client.request("commands", {})).commands;
    } catch (thrown) {
      if (!(thrown instanceof ChatFusionError)) throw thrown;
      // An older server has nothing to offer; another refusal need not be the last word.
      if (thrown.code !== "UNKNOWN_TYPE") this.#asked = undefined;
      this.#known = [];
    }
    return this.#known;
  }
}
