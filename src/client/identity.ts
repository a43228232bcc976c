// Who a client is, and what it proves that with when it comes in again. See client.ts.

import { ChatFusionError } from "../errors.ts";
import { type Nick, sameName } from "../names.ts";
import type { Answer, Login, Requests, Welcome } from "../protocol/messages.ts";
import type { Connection } from "./connection.ts";

export interface Credential {
  readonly nick: string;
  readonly password?: string;
}

/** Another nick, to come in with. */
interface Wish {
  readonly credential: Credential;
  readonly done: PromiseWithResolvers<Answer<"rename">>;
}

export class Identity {
  #credential: Credential;
  #wish: Wish | undefined;
  /** The wish by which the last login was tried. */
  #tried: Wish | undefined;
  /** What was asked to be registered, as long as it is not known whether it was. */
  #registering: Required<Credential> | undefined;

  constructor({ nick, password }: { readonly nick: string; readonly password?: string }) {
    this.#credential = credentialOf(nick, password);
  }

  /** As it is now: it may have been changed. */
  get nick(): string {
    return this.#credential.nick;
  }

  /** Logs in; with `resume`, tries to go on with that session first. */
  async login(connection: Connection, resume: Login["resume"]): Promise<void> {
    this.#tried = undefined;
    if (resume !== undefined) {
      try {
        await connection.login({ nick: this.nick, resume });
        return;
      } catch (thrown) {
        if (!(thrown instanceof ChatFusionError) || thrown.code !== "RESUME_FAILED") throw thrown;
      }
    }
    this.#tried = this.#wish;
    const { credential } = this.#wish ?? { credential: this.#credential };
    if (credential.password !== undefined && !connection.secure) {
      const text = "a password is only sent over TLS, or to a server on this machine";
      throw new ChatFusionError("PASSWORD_NEEDS_TLS", text);
    }
    try {
      await connection.login(credential);
    } catch (thrown) {
      const asked = this.#registering;
      const isRegistered = thrown instanceof ChatFusionError && thrown.code === "NICK_REGISTERED";
      if (!isRegistered || asked?.nick !== credential.nick || !connection.secure) throw thrown;
      // It may be by us: the answer was lost with the connection.
      await connection.login(asked).catch((second: unknown) => {
        const isWrong = second instanceof ChatFusionError && second.code === "AUTH_FAILED";
        throw isWrong ? thrown : second;
      });
    }
  }

  /** Comes in with another nick from the next login on; settled by how that goes. */
  wish(nick: string, password: string | undefined): Promise<Answer<"rename">> {
    this.close(new ChatFusionError("BAD_REQUEST", `another nick is tried: ${nick}`));
    this.#wish = { credential: credentialOf(nick, password), done: Promise.withResolvers() };
    return this.#wish.done.promise;
  }

  /** There is a wish that no login has tried yet. */
  get isWishing(): boolean {
    return this.#wish !== undefined && this.#wish !== this.#tried;
  }

  /** Whether what a login was refused for is the wish's fault: then it is none any more. */
  refused(why: ChatFusionError): boolean {
    if (this.#wish === undefined || this.isWishing || why.code === "CANNOT_CONNECT") return false;
    this.close(why);
    return true;
  }

  /** It is in. Returns a wish that was not needed for it: it is to be asked for now. */
  welcomed({ nick, account }: Welcome): Wish | undefined {
    this.#isAccount(account);
    const [wish, tried] = [this.#wish, this.#tried];
    this.#wish = undefined;
    this.#tried = undefined;
    this.#credential = { ...(tried?.credential ?? this.#credential), nick };
    if (wish !== tried) return wish;
    wish?.done.resolve({ nick });
    return undefined;
  }

  /** Nothing comes of the wish, if there is one. */
  close(why: ChatFusionError): void {
    this.#wish?.done.reject(why);
    this.#wish = undefined;
  }

  /** It has another nick, by this password if that needed one. */
  renamed(nick: string, password: string | undefined): void {
    // In other letters it is the same account's.
    const isSame = password === undefined && sameName(nick as Nick, this.nick as Nick);
    this.#credential = isSame ? { ...this.#credential, nick } : credentialOf(nick, password);
  }

  /** A command is about to be run: by `register` the nick may need a password from now on. */
  runs({ name, args: [password] }: Requests["command"]["ask"]): void {
    if (name === "register" && password !== undefined)
      this.#registering = { nick: this.nick, password };
  }

  /** A command was run. */
  ran({ name }: Requests["command"]["ask"], { data }: Answer<"command">): void {
    if (name !== "register" || typeof data !== "object" || data === null) return;
    if ("account" in data) this.#isAccount(data.account);
  }

  // --- internal ---------------------------------------------------------------------------------

  /** The server says that it is this account. */
  #isAccount(account: unknown): void {
    if (account !== this.nick || account !== this.#registering?.nick) return;
    this.#credential = this.#registering;
    this.#registering = undefined;
  }
}

// --- internal -----------------------------------------------------------------------------------

const credentialOf = (nick: string, password: string | undefined): Credential =>
  password === undefined ? { nick } : { nick, password };
