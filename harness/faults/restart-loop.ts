import { z } from 'zod'
import { acquireEach, rollBack, type Undone } from './_kit/acquire.ts'
import { describeError } from '../core/errors.ts'
import { longestMs } from '../core/limits.ts'
import { type Part, proofOfParts, undoneParts } from './_kit/proof.ts'
import type { Fault, Proof } from '../model/fault.ts'
import type { Node } from '../model/runtime.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'

const params = z.object({
  upMs: z.number().gt(0).max(longestMs).default(5_000).describe('How long it lives each time before it crashes again'),
})

/** A node that crashes shortly after every start: the runtime lets it wait twice as long after each crash in a row. */
const fault: Fault<z.output<typeof params>> = {
  name: 'restart-loop',
  summary: 'a node crashes again shortly after every start, until the window ends',
  acts: 'node',
  needs: ['kill'],
  proof:
    'the operating system says at least twice that the process ended by SIGKILL, and the loop goes on to the end of the window',
  ownLength: true,
  params,
  impact: 'end',
  arm: async ({ nodes }, { upMs }, signal) => {
    if (nodes.length === 0) throw new Error('there is no node to crash')
    const { held, undone, heal } = await acquireEach(
      nodes,
      (node) => startLoop(node, upMs),
      () => {},
      signal,
    )
    return {
      evidence: {
        ...Object.fromEntries(held.map(({ name, crashes }) => [name, crashes[0]])),
        ...(undone.length > 0 && { undone }),
      },
      prove: async () => proofOf(held, undone),
      heal,
    }
  },
}
export default fault

interface Loop {
  readonly name: string
  readonly crashes: Readonly<Record<string, unknown>>[]
  /** Why the node ended before its planned crash. */
  failure(): string | undefined
  heal(): Promise<void>
}

/** The first crash is part of arming: when it fails, the fault was not applied. */
async function startLoop(node: Node, upMs: number): Promise<Loop> {
  if (node.pid === undefined) throw new Error(`${node.name} was not running`)
  const crashes = [await crash(node).catch((error: unknown) => rollBack(() => untilUp(node), error))]
  const end = new AbortController()
  let failure: string | undefined
  const loop = crashAgain(node, upMs, crashes, end.signal).catch((error: unknown) => {
    if (!end.signal.aborted) failure = describeError(error)
  })
  const heal = async (): Promise<void> => {
    end.abort()
    await loop
    await untilUp(node)
  }
  return { name: node.name, crashes, failure: () => failure, heal }
}

async function crashAgain(node: Node, upMs: number, crashes: Loop['crashes'], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await untilUp(node, signal)
    await sleep(upMs, signal)
    crashes.push(await crash(node))
  }
}

async function crash(node: Node): Promise<Loop['crashes'][number]> {
  const evidence = await node.crash()
  if (evidence['signal'] === 'SIGKILL') return evidence
  throw new Error(`nothing proves that ${node.name} crashed: the operating system says ${JSON.stringify(evidence)}`)
}

const pollMs = 20
/** The longest back-off of a runtime in a compressed run. */
const patienceMs = 120_000

/** Healed is a node that runs again by itself. */
async function untilUp(node: Node, signal?: AbortSignal): Promise<void> {
  for (let waitedMs = 0; node.pid === undefined; waitedMs += pollMs) {
    if (waitedMs > patienceMs) throw new Error(`${node.name} did not come back`)
    await sleep(pollMs, signal)
  }
}

function proofOf(loops: readonly Loop[], undone: readonly Undone[]): Proof {
  const crashed = loops.map(({ name, crashes }) => [name, { crashes: [...crashes] }])
  const failed = loops.flatMap((loop) => loop.failure() ?? [])
  return {
    ...proofOfParts([...loops.map(partOf), ...undoneParts(undone)]),
    firings: loops.reduce((sum, { crashes }) => sum + crashes.length, 0),
    evidence: { ...Object.fromEntries(crashed), ...(failed.length > 0 && { failed }) },
  }
}

/** One crash is a kill: a loop has at least two, and goes on to the end of the window. */
function partOf({ name, crashes, failure }: Loop): Part {
  const failed = failure()
  if (failed !== undefined) return { name, state: 'half', why: `${name} could not be crashed again: ${failed}` }
  if (crashes.length > 1) return { name, state: 'felt' }
  return { name, state: 'half', why: `${name} crashed once, which is no loop` }
}
