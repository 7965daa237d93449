import type { DatabaseSync } from 'node:sqlite';

/** Single facts that this machine must not forget. */
export class Facts {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(name: string): string | undefined {
    const value = this.#db.prepare('SELECT value FROM fact WHERE name = ?').get(name)?.['value'];
    return value === undefined ? undefined : String(value);
  }

  set(name: string, value: string): void {
    this.#db
      .prepare('INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value')
      .run(name, value);
  }
}
