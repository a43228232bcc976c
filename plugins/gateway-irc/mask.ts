// Masks with * (any characters) and ? (one), as WHO and LIST have them. Pure. In time of the mask's
// length times the text's: a regular expression of many stars would take far longer.

/** Returns what tells whether a text fits the mask, whatever the case. */
export function maskOf(mask: string): (text: string) => boolean {
  const wanted = Array.from(mask.toLowerCase().replaceAll(/\*+/g, "*"));
  return (text) => {
    const got = Array.from(text.toLowerCase());
    let [at, star, mark] = [0, -1, 0];
    for (let i = 0; i < got.length;) {
      const want = wanted[at];
      if (want === "*") {
        star = at++;
        mark = i;
      } else if (want === "?" || (want !== undefined && want === got[i])) {
        at++;
        i++;
      } else if (star !== -1) {
        at = star + 1;
        i = ++mark;
      } else return false;
    }
    while (wanted[at] === "*") at++;
    return at === wanted.length;
  };
}
