import { getGlobalDispatcher } from 'undici'
import { clockToleranceS } from '../../patterns/contract/server/tokens.ts'
import { type ClientPorts, type Job, JobFailed } from '../../patterns/contract/client/client.ts'
import { exchange, jsonOf, taskAddress } from '../../patterns/contract/client/http.ts'
import { submitJob } from '../../patterns/contract/client/submit.ts'
import type { Talk } from '../../patterns/contract/client/talk.ts'
import { toolHeader } from '../../patterns/contract/types/grant.ts'
import { problemKind } from '../../patterns/contract/types/problems.ts'
import { scopeOf } from '../../patterns/contract/types/scopes.ts'
import { monotonicMs, sleep } from '../../patterns/contract/types/timer.ts'
import type { Attempt, ControlProbe, ControlSeen } from '../model/control.ts'
import type { CellIssuer, TokenSpec } from './issuer.ts'

/** What tasks of other principals are submitted with, beside the clients' own way to the API. */
export interface PrincipalParts {
  readonly issuer: CellIssuer
  /** The way of executors to the gateway: over the link, where there is one. */
  readonly toolsUrl: string
}

/** Long enough for any run. */
const dayS = 86_400

/** Whether it is a task of another principal than the operator. */
export function hasPrincipal({ kind, principal }: ControlProbe): boolean {
  return kind === 'permission' || principal !== undefined
}

/** The token of a probe's principal, as its attempt has it; by default a right one. */
export function tokenOf(probe: ControlProbe, issuer: CellIssuer, lastsS = dayS): string {
  const { key, principal = key, attempt, tools = [] } = probe
  const spec = { sub: principal, scopes: ['tasks:submit', 'tasks:read', 'tasks:cancel', ...tools.map(scopeOf)], lastsS }
  return issuer.token({ ...spec, ...(attempt && flaws[attempt]) })
}

const flaws: Partial<Record<Attempt, Partial<TokenSpec>>> = {
  'expired-token': { lastsS: -60 },
  'forged-token': { by: 'forger' },
  'unsigned-token': { by: 'nobody' },
}

/** What a submission asks for beside its work. Only one asks for tools: the others have what their tokens allow. */
export function toolsAskedBy({ attempt, calls }: ControlProbe): Pick<Job, 'tools'> {
  return attempt === 'asks-for-more' ? { tools: [...new Set(calls)] } : {}
}

/** What became of an attempt. */
export type Outcome = Pick<ControlSeen, 'problem' | 'taskId'> & { readonly moment: 'accepted' | 'refused' }

/**
 * Try it until it was accepted or refused for good. Rejects where nobody said so in time: faults hit these requests as they do
 * any client's.
 */
export async function tryAttempt(probe: ControlProbe, talk: Talk, parts: PrincipalParts): Promise<Outcome> {
  if (probe.attempt === 'stolen-grant' || probe.attempt === 'forged-grant') return callTool(probe, talk, parts)
  if (probe.attempt === 'replayed-token') await useUp(talk)
  try {
    const { task } = await submitJob(talk, { headers: { prefer: 'respond-async' } })
    return { moment: 'accepted', taskId: task.task_id }
  } catch (error) {
    if (!(error instanceof JobFailed)) throw error
    return { moment: 'refused', ...(error.problem !== undefined && { problem: error.problem }) }
  }
}

/** Seconds that the token of a replay lasts. */
export const briefS = 1

/** The token is used at every replica while it is right, and so remembered; then it ends. */
async function useUp({ ports, timing, signal }: Talk): Promise<void> {
  for (const { url } of ports.apis) {
    const call = { method: 'GET', url: taskAddress(url, 'task_none'), headers: bearer(ports) } as const
    await exchange(ports.dispatcher, call, timing.requestTimeoutMs, signal).catch(() => signal.throwIfAborted())
  }
  await sleep((briefS + clockToleranceS + 1) * 1000, signal)
}

function bearer({ token }: Pick<ClientPorts, 'token'>) {
  return { authorization: `Bearer ${token}` }
}

/** As an executor would that was taken over: its own grant is right for another task, or of its own making. */
async function callTool(probe: ControlProbe, talk: Talk, { issuer, toolsUrl }: PrincipalParts): Promise<Outcome> {
  const { key, attempt } = probe
  const { timing, signal } = talk
  const isForged = attempt === 'forged-grant'
  const [mine, other] = [`task_of_${key}`, `task_of_another`]
  const grant = issuer.grant({ sub: key, task: isForged ? mine : other, tools: ['*'] }, isForged)
  const now = monotonicMs()
  const effect = { task: key, taskId: mine, step: 1, attempt: 1, executor: 'intruder', startedAt: now, endedAt: now }
  const call = {
    method: 'POST',
    url: `${toolsUrl}/effects`,
    headers: {
      ...bearer({ token: grant }),
      'content-type': 'application/json',
      'idempotency-key': `${mine}/1`,
      [toolHeader]: 'search',
    },
    body: JSON.stringify(effect),
  } as const
  for (;;) {
    // Not the clients' own: there every answer is held against the name of the system, which a gateway has not.
    const answer = await exchange(getGlobalDispatcher(), call, timing.toolTimeoutMs, signal).catch(() => undefined)
    signal.throwIfAborted()
    if (answer && answer.status < 300) return { moment: 'accepted', taskId: mine }
    const problem = answer && answer.status < 500 ? problemKind(String(typeIn(jsonOf(answer)))) : undefined
    if (problem) return { moment: 'refused', problem }
    await sleep(timing.paceMs, signal)
  }
}

function typeIn(said: unknown): unknown {
  return (said as { readonly type?: unknown } | null | undefined)?.type
}
