// How many data segments a server has sent to its clients, as the kernel counts them for each of
// their connections (tcp_info: tcpi_data_segs_out), by `ss` of iproute2.

/** Those that connections to this port have sent so far. Undefined where `ss` is not there. */
export function writesOf(port: number): number | undefined {
  const ss = Bun.which("ss", { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` });
  if (ss === null) return undefined;
  const told = Bun.spawnSync([ss, "-tinHO", "state", "established", `sport = :${port}`]);
  return told.exitCode === 0 ? segmentsOf(told.stdout.toString("latin1")) : undefined;
}

/** The sum of all in what `ss -i` says. */
export function segmentsOf(text: string): number {
  let sum = 0;
  for (const [, count] of text.matchAll(/\bdata_segs_out:(\d+)/g)) sum += Number(count);
  return sum;
}
