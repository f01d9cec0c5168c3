// The city's clock, carried on between messages. In the demo it is simulated and may run faster than ours.

export class CityClock {
  #at = 0;
  #since = 0;
  #speed = 1;
  #known = false;

  get known(): boolean {
    return this.#known;
  }

  get speed(): number {
    return this.#speed;
  }

  /** A message written at `at` arrived at `local` (monotonic, ms). */
  hear(at: number, local: number, speed?: number): void {
    if (speed !== undefined && speed > 0 && speed !== this.#speed) {
      this.#at = this.now(local);
      this.#since = local;
      this.#speed = speed;
    }
    const ahead = this.now(local) - at;
    // Messages arrive late, never early: a slightly older one must not turn the clock back.
    if (this.#known && ahead >= 0 && ahead < 1500 * this.#speed) return;
    this.#at = at;
    this.#since = local;
    this.#known = true;
  }

  now(local: number): number {
    return this.#known ? this.#at + (local - this.#since) * this.#speed : 0;
  }
}
