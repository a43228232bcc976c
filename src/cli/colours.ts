// Whether a stream shows colours.

/** Tells whether colours may be sent: to a terminal, without NO_COLOR (no-color.org). */
export function hasColours(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR = "", TERM = "" } = process.env;
  return stream.isTTY === true && NO_COLOR === "" && TERM !== "dumb";
}
