import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { NodeRole } from '../../../patterns/contract/types/engine.ts'
import type { DeployRequest, CellContext, SpareNeed } from '../../model/runtime.ts'
import { type ChildSpec, killGroup, readFirstLine, spawnChild } from '../../os/child.ts'
import { describeSpare } from './program.ts'

/** Processes that wait to become a node: starting Node takes longer than a short fault lasts. */
export interface Spares extends AsyncDisposable {
  /** One of them becomes this node now; undefined where none is alive. */
  take(node: ChildSpec): ChildProcess | undefined
  /** Start as many as are missing and will be needed. Resolves when all have loaded what they need or ended. Never rejects. */
  fill(): Promise<void>
}

/** Without them a deployment goes on, as its nodes then start from nothing. */
const loadLimitMs = 15_000

/** For the roles for which the request wants any. */
export function openAllSpares(
  request: CellContext & DeployRequest,
  stack: AsyncDisposableStack,
): ReadonlyMap<NodeRole, Spares> {
  const logFile = join(request.folder, 'logs', 'spares.log')
  const all = request.services.flatMap(({ role, program }) => {
    const need = request.spares?.[role]
    if (!need || need.ahead === 0 || (program !== 'serve' && program !== 'work')) return []
    const spec = describeSpare(program, { env: request.env, logFile })
    return [[role, stack.use(openSpares(spec, need, request.onSpare))] as const]
  })
  return new Map(all)
}

/** Before the load: then they have what they need when a fault comes. */
export async function fillAll(spares: ReadonlyMap<NodeRole, Spares>, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(loadLimitMs)])
  const over = new Promise<void>((resolve) => limit.addEventListener('abort', () => resolve(), { once: true }))
  await Promise.race([Promise.all([...spares.values()].map((some) => some.fill())), over])
  signal.throwIfAborted()
}

function openSpares(spec: ChildSpec, { ahead, inAll }: SpareNeed, onSpare: (pid: number) => void = () => {}): Spares {
  const waiting = new Set<ChildProcess>()
  const loading = new Set<Promise<unknown>>()
  let [spawning, taken, closed] = [0, 0, false]
  const add = async (): Promise<void> => {
    spawning++
    const child = await spawnChild({ ...spec, stdout: 'pipe' }).finally(() => spawning--)
    child.once('exit', () => waiting.delete(child))
    if (closed) return killGroup(child)
    waiting.add(child)
    onSpare(child.pid!)
    await readFirstLine(child, 'a spare', spec.logFile)
  }
  const start = (): void => {
    // Whatever is wrong with it is so with a node that starts from nothing, which says it.
    const added = add().catch(() => {})
    loading.add(added)
    void added.finally(() => loading.delete(added))
  }
  return {
    take(node) {
      const [child] = waiting
      if (!child) return undefined
      waiting.delete(child)
      taken++
      child.stdin!.write(`${JSON.stringify({ env: node.env, log: node.logFile })}\n`)
      return child
    },
    async fill() {
      while (!closed && waiting.size + spawning < Math.min(ahead, inAll - taken)) start()
      await Promise.all(loading)
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await Promise.all([...waiting].map((child) => killGroup(child)))
      await Promise.all(loading)
    },
  }
}
