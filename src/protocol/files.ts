// What is said of files on their way, chunks apart (transfer.ts). Pure.

import * as v from "valibot";
import { LIMITS } from "../limits.ts";
import { Count, Line, Name, Sha256, Transfer } from "./shapes.ts";

/** Why one of the two ends gives a transfer up. */
const CancelCode = v.picklist([
  "TRANSFER_CANCELLED",
  "TRANSFER_INTERRUPTED",
  "SIZE_MISMATCH",
  "HASH_MISMATCH",
  "FILE_UNREADABLE",
  "FILE_UNWRITABLE",
]);

/** What an offer says of its file, to servers as to clients. */
export const offered = {
  name: v.pipe(v.string(), v.minLength(1), v.maxBytes(LIMITS.fileNameBytesMax * 4)),
  size: v.pipe(Count, v.maxValue(LIMITS.fileBytesMax)),
  mediaType: v.optional(v.pipe(v.string(), v.maxLength(LIMITS.mediaTypeBytesMax))),
  sha256: v.optional(Sha256),
  /** The sender can offer it again; then by what its receiver knows it (P41). */
  sending: v.optional(Transfer),
  /** The sending was accepted before, and interrupted. */
  again: v.optional(v.literal(true)),
};

/** Where the receiver begins; by what the two know each other when it is offered again (P41). */
export const acceptance = { offset: Count, receiving: v.optional(Transfer) };

export const fileShapes = {
  offer: v.object({ to: Name, ...offered }),
  accept: v.object({ transfer: Transfer, ...acceptance, offset: v.optional(Count, 0) }),
  reject: v.object({ transfer: Transfer, reason: v.optional(Line) }),
  cancel: v.object({
    transfer: Transfer,
    reason: v.optional(Line),
    code: v.optional(CancelCode, "TRANSFER_CANCELLED"),
  }),
  finish: v.object({ transfer: Transfer, sha256: Sha256 }),
  credit: v.object({ transfer: Transfer, upTo: Count }),
  done: v.object({ transfer: Transfer, sha256: Sha256 }),
};

const offeredShape = v.object(offered);
export type Offered = Readonly<v.InferOutput<typeof offeredShape>>;

export interface OfferEntry {
  readonly transfer: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly size: number;
  readonly mediaType?: string;
  readonly sha256?: string;
  readonly sending?: string;
  readonly again?: true;
}

/** What an end of a transfer is told. A chunk's bytes are borrowed. */
export type FileEvent =
  | { readonly type: "offered"; readonly offer: OfferEntry }
  | {
      readonly type: "accepted";
      readonly transfer: string;
      readonly offset: number;
      readonly upTo: number;
      readonly receiving?: string | undefined;
    }
  | { readonly type: "credit"; readonly transfer: string; readonly upTo: number }
  | { readonly type: "finished"; readonly transfer: string; readonly sha256: string }
  | { readonly type: "done"; readonly transfer: string; readonly sha256: string }
  | {
      readonly type: "failed";
      readonly transfer: string;
      readonly code: string;
      readonly text: string;
    }
  | { readonly type: "chunk"; readonly chunk: Uint8Array };
