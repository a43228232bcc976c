// What a running server tells its operator: one object an event, as `serve --json` prints it.

import type { Millis } from "../environment.ts";
import type { ServerName } from "../names.ts";
import type { FabricReport } from "../plugin/fabric.ts";

export type ServerEvent =
  | {
      readonly event: "listening";
      readonly server: ServerName;
      readonly host: string;
      readonly port: number;
    }
  | { readonly event: "gateway"; readonly plugin: string; readonly address: string }
  /** The fusion grew; `with` is the neighbour's name where this server asked or was asked. */
  | {
      readonly event: "merged";
      readonly server: ServerName;
      readonly with: string;
      /** Who came. */
      readonly servers: readonly string[];
      readonly fusion: readonly string[];
      /** All of them had been lost. */
      readonly back?: true;
    }
  | {
      readonly event: "split";
      readonly server: ServerName;
      readonly lost: readonly string[];
      readonly fusion: readonly string[];
      /** Which links of this server were lost by it, if any, and the code of the first. */
      readonly why?: string;
      readonly code?: string;
    }
  | {
      readonly event: "refused";
      /** The other server: its name, or the address as the operator gave it. */
      readonly server?: string;
      readonly code: string;
      readonly text: string;
    }
  /** What happens to links without servers that come or go. */
  | {
      readonly event: "link";
      readonly state: Exclude<FabricReport["event"], "refused">;
      readonly server?: string;
      readonly code?: string;
      readonly text: string;
      /** With "retrying". */
      readonly tries?: number;
      readonly inMs?: Millis;
    }
  | { readonly event: "stopped"; readonly reason: string };
