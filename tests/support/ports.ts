/**
 * Ports on loopback.
 *
 * @module
 */

/** A TCP port of 127.0.0.1 that nothing listens on at the moment. */
export function freePort(hostname: "127.0.0.1" | "::1" = "127.0.0.1"): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

/** Whether this machine has an IPv6 loopback. */
export function hasIpv6(): boolean {
  try {
    freePort("::1");
    return true;
  } catch {
    return false;
  }
}
