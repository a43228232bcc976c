// The TLS key and certificate of a server: made at first start, kept in its store, and pinned by
// its peers. The identity key vouches for it elsewhere; no authority does.

import type { Clock, Store, TlsIdentity } from "../environment.ts";

/** The store's keys; the certificate is written last, so that one without a key is never found. */
const tlsKeyName = "tls.key";
const tlsCertificateName = "tls.crt";

/**
 * Loads the identity, or makes it (ECDSA P-256, 30 years). Peers pin the certificate, so that it is
 * never made anew while it is there, not even when its end has come: they do not look at its dates.
 */
export async function loadTlsIdentity(
  { store, clock }: { store: Store; clock: Pick<Clock, "now"> },
  commonName: string,
): Promise<TlsIdentity> {
  const key = await store.read(tlsKeyName);
  const certificate = await store.read(tlsCertificateName);
  if (key !== undefined && certificate !== undefined) {
    const decoder = new TextDecoder();
    return { key: decoder.decode(key), certificate: decoder.decode(certificate) };
  }
  const made = await makeTlsIdentity(commonName, clock.now());
  const encoder = new TextEncoder();
  await store.write(tlsKeyName, encoder.encode(made.key));
  await store.write(tlsCertificateName, encoder.encode(made.certificate));
  return made;
}

/** Makes a new identity. `commonName` is only for those who look at the certificate. */
export async function makeTlsIdentity(commonName: string, now: number): Promise<TlsIdentity> {
  // Loaded when needed: it takes 100 ms, and most starts find an identity in the store.
  const { generate } = await import("selfsigned");
  const made = await generate([{ name: "commonName", value: commonName }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notBeforeDate: new Date(now - day),
    notAfterDate: new Date(now + validDays * day),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
    ],
  });
  return { key: made.private, certificate: made.cert };
}

// --- internal ---

const day = 24 * 60 * 60 * 1000;
const validDays = 30 * 365;
