/** Counts of tests, added up over everything that ran. */
export class Tally {
  /** How many passed. */
  passed = 0;
  /** How many failed. */
  failed = 0;
  /** How many were left out. */
  skipped = 0;

  /** Adds other counts to these. */
  add(other: Pick<Tally, "passed" | "failed" | "skipped">): void {
    this.passed += other.passed;
    this.failed += other.failed;
    this.skipped += other.skipped;
  }

  /** Whether something passed and nothing failed. */
  get ok(): boolean {
    return this.failed === 0 && this.passed > 0;
  }

  /** The closing line, which `.ci/run` and others read. */
  toString(): string {
    const skipped = this.skipped === 0 ? "" : `, ${this.skipped} skipped`;
    return `${this.passed} passed, ${this.failed} failed${skipped}`;
  }
}
