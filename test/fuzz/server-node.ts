import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { EngineCluster } from '../support/engine-cluster.ts'
import { keepPort } from '../support/ports.ts'

/** An API node in a process of its own, and what can be seen of it from outside. */
export interface ServerNode extends AsyncDisposable {
  readonly port: number
  readonly host: string
  readonly log: () => string
  readonly isAlive: () => boolean
  readonly descriptors: () => number
  /** Bytes that stay after a garbage collection. */
  readonly heapBytes: () => Promise<number>
  /** How long it takes to say that it is well. */
  readonly health: () => Promise<number>
  /** A task that it accepts. */
  readonly submit: (key: string) => Promise<string>
}

const probe = new URL('probe.ts', import.meta.url).href

export async function startNode(cluster: EngineCluster, delivery: string, scratch: string): Promise<ServerNode> {
  const port = await keepPort()
  const host = `127.0.0.1:${port}`
  const seen = join(scratch, `heap-${delivery}`)
  const env = { NODE_OPTIONS: `--import=${probe}`, OUTLAST_FUZZ_PROBE: seen }
  const child = cluster.spawnNode('serve', { delivery, node: 'api-0', listen: { host: '127.0.0.1', port } }, env)
  let log = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (log += text))
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  const health = async (): Promise<number> => {
    const startedAt = performance.now()
    const { body, statusCode } = await request(`http://${host}/healthz`, { reset: true, headersTimeout: 5_000 })
    const { system } = (await body.json()) as { readonly system?: string }
    if (statusCode !== 200) throw new Error(`/healthz answers ${statusCode}`)
    if (system !== cluster.settings.system) throw new Error('/healthz is answered by somebody else')
    return performance.now() - startedAt
  }
  while (
    await health().then(
      () => false,
      () => true,
    )
  ) {
    if (!isAlive()) throw new Error(`the node of ${delivery} ended while it was starting: ${log}`)
    await sleep(50)
  }
  return {
    port,
    host,
    isAlive,
    health,
    log: () => log,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    heapBytes: () => askHeap(child, seen),
    submit: (key) => submit(`http://${host}`, cluster, delivery, key),
    [Symbol.asyncDispose]: async () => void child.kill('SIGKILL'),
  }
}

async function askHeap(child: ChildProcess, path: string): Promise<number> {
  rmSync(path, { force: true })
  child.kill('SIGUSR2')
  for (let tries = 0; tries < 200; tries++) {
    await sleep(25)
    const bytes = Number(readIfThere(path))
    if (bytes > 0) return bytes
  }
  throw new Error('the node does not say how much memory it uses')
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function submit(
  url: string,
  { token, webhookUrl }: EngineCluster,
  delivery: string,
  key: string,
): Promise<string> {
  const callback = delivery.startsWith('webhook') ? { delivery: { webhook_url: webhookUrl } } : {}
  const { body, statusCode } = await request(`${url}/v1/tasks`, {
    method: 'POST',
    reset: true,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ type: 'agent', input: { seed: 1, profile: 'smoke', job: 'fuzz' }, ...callback }),
  })
  const { task_id: id } = (await body.json()) as { task_id?: string }
  if (id === undefined) throw new Error(`a plain submission is answered with ${statusCode}`)
  return id
}
