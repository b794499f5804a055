/**
 * Packet identifiers. Of the library's two providers, one gives out identifiers that are still in
 * use, and the other gives a freed one out again at once, so that a belated second PUBACK would
 * acknowledge the next publish.
 *
 * @module
 */

const LARGEST = 65_535;

/** Gives out 1 to 65,535 in turn, leaving out what is in use (MQTT-2.2.1-3). */
export class PacketIds {
  readonly #used = new Set<number>();
  #last = 0;

  /** The next free identifier; null when all are in use. */
  allocate(): number | null {
    if (this.#used.size >= LARGEST) return null;
    do this.#last = this.#last % LARGEST + 1; while (this.#used.has(this.#last));
    this.#used.add(this.#last);
    return this.#last;
  }

  /** The identifier given out last; null when there was none. */
  getLastAllocated(): number | null {
    return this.#last === 0 ? null : this.#last;
  }

  /** Takes a certain identifier; false when it is in use. */
  register(messageId: number): boolean {
    if (this.#used.has(messageId)) return false;
    this.#used.add(messageId);
    return true;
  }

  /** Gives an identifier back. */
  deallocate(messageId: number): void {
    this.#used.delete(messageId);
  }

  /** Gives all back. */
  clear(): void {
    this.#used.clear();
  }
}
