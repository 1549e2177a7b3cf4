import pg from 'pg'
import { queueNames } from '../../patterns/engines/_bullmq/queues.ts'

/** Look for stalled jobs as a worker does, twice, which puts back every one whose lock is over; returns how many. */
export async function putBackStalled(storeUrl: string): Promise<number> {
  const client = new pg.Client(storeUrl)
  await client.connect()
  const nowMs = '(extract(epoch from clock_timestamp()) * 1000)::bigint'
  const look = () => client.query(`select bullmq.move_stalled_jobs_to_wait('${queueNames.tasks}', 1000, ${nowMs}, 0)`)
  const found = (await look()).rowCount! + (await look()).rowCount!
  await client.end()
  return found
}
