// Who a client is, and what it proves that with when it comes in again. See client.ts.

import { ChatFusionError } from "../errors.ts";
import type { Answer, Login, Requests, Welcome } from "../protocol/messages.ts";
import type { Connection } from "./connection.ts";

export interface Credential {
  readonly nick: string;
  readonly password?: string;
}

export class Identity {
  #credential: Credential;

  constructor({ nick, password }: { readonly nick: string; readonly password?: string }) {
    this.#credential = credentialOf(nick, password);
  }

  /** As it is now: it may have been changed. */
  get nick(): string {
    return this.#credential.nick;
  }

  /** Logs in; with `resume`, tries to go on with that session first. */
  async login(connection: Connection, resume: Login["resume"]): Promise<void> {
    if (resume !== undefined) {
      try {
        await connection.login({ nick: this.nick, resume });
        return;
      } catch (thrown) {
        if (!(thrown instanceof ChatFusionError) || thrown.code !== "RESUME_FAILED") throw thrown;
      }
    }
    if (this.#credential.password !== undefined && !connection.secure) {
      const text = "a password is only sent over TLS, or to a server on this machine";
      throw new ChatFusionError("PASSWORD_NEEDS_TLS", text);
    }
    await connection.login(this.#credential);
  }

  welcomed({ nick }: Welcome): void {
    this.#credential = { ...this.#credential, nick };
  }

  /** It has another nick, by this password if that needed one. */
  renamed(nick: string, password: string | undefined): void {
    this.#credential = credentialOf(nick, password);
  }

  /** A command was run: by `register` the nick needs a password from now on. */
  ran({ name, args }: Requests["command"]["ask"], { data }: Answer<"command">): void {
    if (name !== "register" || typeof data !== "object" || data === null) return;
    if (!("account" in data) || data.account !== this.nick) return;
    this.#credential = credentialOf(this.nick, args[0]);
  }
}

// --- internal -----------------------------------------------------------------------------------

const credentialOf = (nick: string, password: string | undefined): Credential =>
  password === undefined ? { nick } : { nick, password };
