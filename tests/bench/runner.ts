/** What can be asked for figures. @module */

/** A contender that is ready. */
export interface Runner {
  /** Of its process, if it has one that stays. */
  readonly pid?: number;
  /**
   * Runs a case `count` times; resolves with the figures.
   *
   * @throws {Error} that says why there are none.
   */
  run(name: string, count: number): Promise<number[]>;
  /** Ends it. */
  close(): Promise<void>;
}
