import { sqliteDialect } from '../../central/store/sqlite.ts';
import { Store } from '../../central/store/store.ts';
import { storyBodies } from '../../test/support/audit-events.ts';

/** Stories in one transaction. */
const TOGETHER = 250;

/** Grows the record of a store to so many events at least, as central writes them: chain, tree and all. */
export async function fill(file: string, records: number): Promise<void> {
  const store = await Store.open(await sqliteDialect(file));
  for (let { seq } = await store.head(); seq < records; ) {
    seq = await store.write(async (tx) => {
      let last = seq;
      for (let n = 0; n < TOGETHER && last < records; n++) {
        for (const body of storyBodies(seq + n)) last = (await tx.append(body)).seq;
      }
      return last;
    });
  }
  await store.close();
}
