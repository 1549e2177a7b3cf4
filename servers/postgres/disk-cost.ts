import pg from 'pg'
import type { DiskCost } from '../../harness/model/history.ts'

const patienceMs = 5_000

/** `pg_stat_io` counts every flush of the write-ahead log, and times them where `track_wal_io_timing` is on. */
const query = `
  select current_setting('fsync') as "fsync", current_setting('synchronous_commit') as "synchronousCommit",
    coalesce(sum(fsyncs), 0)::int as "fsyncs",
    coalesce(sum(fsync_time) / nullif(sum(fsyncs), 0), 0)::float8 as "fsyncMeanMs"
  from pg_stat_io where object = 'wal'`

/** What a PostgreSQL's disk has cost it until now. Rejects when it cannot be asked. */
export async function readDiskCost(databaseUrl: string): Promise<DiskCost> {
  const limits = { connectionTimeoutMillis: patienceMs, query_timeout: patienceMs }
  const client = new pg.Client({ connectionString: databaseUrl, ...limits })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<DiskCost>(query)).rows[0]!
  } finally {
    await client.end().catch(() => {})
  }
}
