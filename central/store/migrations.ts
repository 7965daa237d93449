import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { Fault } from '../../protocol/fault.ts';

/** Numbered, in order, never edited once released. In SQL that SQLite and PostgreSQL both know. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-requests-grants-record': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('requests')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('requester', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('changed_at', 'bigint', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('requests_state').on('requests').columns(['state', 'changed_at']).execute();
      await db.schema
        .createTable('grants')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('request_id', 'text', (column) => column.notNull().unique().references('requests.id'))
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('holder', 'text', (column) => column.notNull())
        .addColumn('right_key', 'text', (column) => column.notNull())
        .addColumn('balancer', 'text', (column) => column.notNull())
        .addColumn('not_after', 'bigint', (column) => column.notNull())
        .addColumn('changed_at', 'bigint', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('grants_state').on('grants').columns(['state', 'changed_at']).execute();
      await db.schema.createIndex('grants_right').on('grants').columns(['right_key', 'state']).execute();
      await db.schema
        .createTable('events')
        .addColumn('seq', 'bigint', (column) => column.primaryKey())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('heads')
        .addColumn('source', 'text', (column) => column.primaryKey())
        .addColumn('seq', 'bigint', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .execute();
    },
  },
  '0002-fence-and-boot-clock': {
    async up(db: Kysely<unknown>): Promise<void> {
      // One column each: SQLite takes no more at once.
      await db.schema
        .alterTable('grants')
        .addColumn('version', 'bigint', (column) => column.notNull().defaultTo(1))
        .execute();
      await db.schema
        .alterTable('grants')
        .addColumn('boot_at', 'bigint', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema.alterTable('grants').addColumn('boot_id', 'text').execute();
      await db.schema.alterTable('grants').addColumn('boot_due', 'bigint').execute();
    },
  },
  '0003-record-tree': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('tree')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('level', 'integer', (column) => column.notNull())
        .addColumn('position', 'bigint', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('tree_key', ['source', 'level', 'position'])
        .execute();
      await db.schema
        .alterTable('heads')
        .addColumn('peaks', 'text', (column) => column.notNull().defaultTo(''))
        .execute();
      await db.schema
        .createTable('checkpoints')
        .addColumn('size', 'bigint', (column) => column.primaryKey())
        .addColumn('note', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('chains')
        .addColumn('source', 'text', (column) => column.primaryKey())
        .addColumn('owner', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('deposits')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('seq', 'bigint', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('deposits_key', ['source', 'seq'])
        .execute();
      await db.schema
        .createTable('receipts')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('last', 'bigint', (column) => column.notNull())
        .addColumn('note', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('receipts_key', ['source', 'last'])
        .execute();
    },
  },
  '0004-findings-and-facts': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('findings')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('facts')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute();
    },
  },
};

/** Brings the store up to date. A store that is newer than this program is left alone. */
export async function migrate(db: Kysely<never> | Kysely<unknown>): Promise<void> {
  const migrator = new Migrator({ db: db as Kysely<unknown>, provider: { getMigrations: async () => MIGRATIONS } });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const wayOut = 'If the store was made by a newer version of Portcullis, start that version';
  throw new Fault('store-failed', 'The store cannot be brought up to date', { cause: error, wayOut });
}
