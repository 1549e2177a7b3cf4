import type { RunJob } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { submitJob } from '../../contract/client/submit.ts'

/** Submit, then wait for the callback. The client has nothing else: what does not arrive is never missed by it. */
const runJob: RunJob = async (job, ports, signal) => {
  if (!ports.inbox) throw new Error('the webhook client needs an inbox')
  await submitJob(job, ports, signal, { delivery: { webhook_url: ports.inbox.urlFor(job.key) } })
  return finish(await ports.inbox.wait(job.key, signal), 'callback')
}
export default runJob
