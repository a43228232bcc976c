// What all connections of the gateway share.

import type { Clock, GatewayHost, Log, MaybePromise, Millis } from "chatfusion";
import type { Client } from "./client.ts";
import type { Cuts } from "./cuts.ts";
import type { Formats } from "./format.ts";
import type { Line } from "./line.ts";
import type { Names } from "./names.ts";
import type { Options } from "./options.ts";
import type { Reply } from "./reply.ts";
import type { Whowas } from "./whowas.ts";

export interface World {
  readonly options: Options;
  readonly host: GatewayHost;
  readonly clock: Clock;
  readonly log: Log;
  readonly names: Names;
  readonly formats: Formats;
  readonly cuts: Cuts;
  readonly whowas: Whowas;
  readonly startedAt: Millis;
  /** Every connection that is open. */
  readonly clients: Set<Client>;
  /** Those of them that are not in yet. */
  readonly strangers: Set<Client>;
  /** By the letter of a mode: the clients in it, so that nobody has to go through all. */
  readonly inMode: ReadonlyMap<string, Set<Client>>;
  /** What RPL_ISUPPORT says. */
  readonly isupport: readonly (readonly string[])[];
  /** The most people that were here, and in the fusion, at once, as far as it was seen. */
  readonly most: { here: number; fusion: number };
  /** Does one command; a promise where its end is awaited. */
  run(client: Client, line: Line, reply: Reply): MaybePromise<void>;
}
