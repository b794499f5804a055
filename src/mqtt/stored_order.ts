/**
 * When the stored messages that a SUBSCRIBE brings are all in, on one connection.
 *
 * @module
 */

/** Some brokers were seen to send the first up to 83 ms after SUBACK. */
const QUIET_MS = 120;
/** The same, on a connection whose broker has shown that it sends them in line. */
const QUIET_IN_LINE_MS = 10;
/** So many messages in line are no chance: a broker that looks them up aside is late with some. */
const PROOF = 50;
/** The PINGREQ goes out at SUBACK: over a slow network, a look-up may be done before it arrives. */
const MOST_ROUND_TRIP_MS = 10;

/**
 * Learns whether the broker sends stored messages in line, that is between SUBACK and the PINGRESP to
 * a PINGREQ behind the SUBSCRIBE. Brokers that look them up aside answer the PINGREQ first.
 */
export class StoredOrder {
  /** Milliseconds from the last SUBSCRIBE to its SUBACK. */
  roundTripMs = Infinity;
  #inLine = 0;
  #late = false;

  /** Milliseconds without a stored message after PINGRESP until no more is expected. */
  get quietMs(): number {
    return this.#inLine >= PROOF && !this.#late ? QUIET_IN_LINE_MS : QUIET_MS;
  }

  /** Notes how many stored messages came before PINGRESP, and how many after. */
  note(before: number, after: number): void {
    if (this.roundTripMs <= MOST_ROUND_TRIP_MS) this.#inLine += before;
    this.#late ||= after > 0;
  }
}
