// What a running server tells its operator: one object an event, as `serve --json` prints it.

import type { ServerName } from "../names.ts";

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
      readonly fusion: readonly string[];
    }
  | {
      readonly event: "split";
      readonly server: ServerName;
      readonly lost: readonly string[];
      readonly fusion: readonly string[];
    }
  | { readonly event: "refused"; readonly code: string; readonly text: string }
  /** What the fabric says of its links: standby, undone, lost, retrying. */
  | {
      readonly event: "link";
      readonly state: string;
      readonly server?: string;
      readonly code?: string;
      readonly text: string;
    }
  | { readonly event: "stopped"; readonly reason: string };
