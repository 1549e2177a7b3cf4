import type { Need, Target, Work } from './case.ts'
import { askAccount, principalOf } from './accounts.ts'
import { cancel, startNow } from './control.ts'
import { Refused } from './expect.ts'
import { send, type SendOptions } from './http.ts'
import { pathOf, readTask } from './tasks.ts'

/** Ways to say that there is no such resource (RFC 9110 15.5.5, 15.5.6, 15.6.2). */
const without: ReadonlySet<number> = new Set([404, 405, 501])

/** Why a service has none of this, or undefined. */
export type Probed = readonly (readonly [Need, string | undefined])[]

/** Whether its agents take commands, show a memory, have a budget, and are paid from an account: no service must. */
export async function probeControl(target: Target): Promise<Probed> {
  const [commands, memory, budget, accounts] = await Promise.all([
    probeCommands(target),
    probeMemory(target),
    probeAsked(target, 'budget', { budget: { credits: 1, on_exhausted: 'fail' } }),
    probeAccounts(target),
  ])
  return [
    ['commands', commands],
    ['memory', memory],
    ['budget', typeof budget === 'string' ? budget : undefined],
    ['accounts', accounts],
  ]
}

/** With a command that changes nothing: the agent is not stopped. */
async function probeCommands(target: Target): Promise<string | undefined> {
  const taskId = await startNow(target, 'probe-commands', { long: true })
  const body = { id: 'probe', type: 'resume' }
  const status = await statusOf(target, taskId, 'commands', { method: 'POST', body })
  await cancel(target, taskId)
  return without.has(status) ? `it answers ${status} to a command: its tasks take none` : undefined
}

async function probeMemory(target: Target): Promise<string | undefined> {
  const asked = await probeAsked(target, 'memory', { memory: { probe: true } })
  if (typeof asked === 'string') return asked
  const status = await statusOf(target, asked.taskId, 'context')
  return without.has(status) ? `it answers ${status}: it shows no memory` : undefined
}

async function probeAccounts(target: Target): Promise<string | undefined> {
  const { status } = await askAccount(target)
  return without.has(status) ? `it answers ${status}: it keeps no account of ${principalOf(target)}` : undefined
}

/** A field that a service does not know is refused. */
async function probeAsked(target: Target, field: string, work: Work): Promise<string | { readonly taskId: string }> {
  try {
    const taskId = await startNow(target, `probe-${field}`, work)
    await cancel(target, taskId)
    return { taskId }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return `it refuses a submission with a ${field}`
  }
}

async function statusOf(target: Target, taskId: string, resource: string, options: SendOptions = {}): Promise<number> {
  await readTask(target, taskId)
  return (await send(target, `${pathOf(taskId)}/${resource}`, { ...options, isSeen: true })).status
}
