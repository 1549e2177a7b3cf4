import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Dockerode from 'dockerode'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import { runtimes } from '../support/deployment.ts'
import { startOutlast, temporaryFolders } from '../support/outlast.ts'
import { sniff } from '../support/sniffer.ts'
import { readResults, requireQuiet, starvation } from '../support/undisturbed.ts'

const reason = await runtimes.get('docker')!.probe()
if (reason) console.log(`a drop on docker skipped: ${reason}`)

const timeScale = 20
const scenario = `
name: silent
question: How long does a client believe in a stream that a firewall has cut?
seed: 7
timeScale: ${timeScale}
profile: research-brief
patterns: [sse-polling+postgres]
load: { tasks: 12, arrivals: uniform, rate: 20/min }
grace: 4m
replicas: { api: 2, executor: 2 }
arms:
  drop:
    - { fault: drop, target: client->api-0, at: 60s, for: 100s }
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`
const watched = 'client->api-0'

interface Line {
  readonly at: number
  readonly f: string
  readonly task?: string
  readonly value: { readonly state?: string; readonly evidence?: unknown }
}

describe.skipIf(reason !== undefined)('a drop on docker under an idle event stream', () => {
  it('is silent: no FIN, no RST; the watchdog notices, the client polls, and the report says how long it took', async (test) => {
    await using folders = await temporaryFolders()
    const file = join(folders.tmp, 'silent.yaml')
    await writeFile(file, scenario)
    // Unverified: the router that is watched must be the cell's.
    const run = startOutlast(['run', file, '--runtime', 'docker', '--no-verify', '--out', folders.out], folders.tmp)
    const ended = once(run, 'exit')
    run.stdout!.resume()
    let said = ''
    run.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))

    const router = await until(() => routerOf(run.pid!), run)
    await using sniffer = await sniff(router, 'tcp[tcpflags] & (tcp-fin|tcp-rst) != 0')
    const port = await until(() => portOf(sniffer.host), run)
    const armedMs = await until(() => stateSeen(folders.out, 'armed'), run)
    const provenMs = await until(() => stateSeen(folders.out, 'proven'), run)
    const packets = await sniffer.packets()
    const [code] = (await ended) as [number]
    const results = await readResults(await runFolder(folders.out))
    requireQuiet(test, starvation(results))
    expect(code, said).toBe(0)

    // Packets: whatever says of an end came from the clients, who gave up, and went nowhere.
    const during = packets.filter(({ atMs }) => atMs >= armedMs && atMs <= provenMs)
    expect(during.filter(({ leaves, fromPort }) => leaves && fromPort === port)).toEqual([])
    expect(during.filter(({ leaves, toPort }) => !leaves && toPort === port).length).toBeGreaterThan(0)
    // Kernel counters: they agree.
    const history = await readHistory(folders.out)
    const proof = history.find(({ f, value }) => f === 'fault' && value.state === 'proven')!.value
    const counted = (proof.evidence as { counted: Record<string, { packets: number; endsTold: number }> }).counted
    expect(Object.values(counted)).toMatchObject([{ endsTold: 0 }])
    expect(Object.values(counted)[0]!.packets).toBeGreaterThan(0)

    // Nobody learned of an end: a stream was silent first, and closed by its own watchdog.
    const missed = history.filter(({ f, value }) => f === 'stream' && value.state === 'heartbeat-missed')
    expect(missed.length).toBeGreaterThan(0)
    for (const { task } of missed) {
      const states = history.filter(({ f, task: of }) => f === 'stream' && of === task).map(({ value }) => value.state)
      expect(states.slice(0, 4)).toEqual(['open', 'heartbeat-missed', 'closed', 'fallback'])
    }

    const [cell] = results.cells
    expect(cell!.tasks.every(({ outcome }) => outcome === 'ok')).toBe(true)
    const detectionMs = cell!.episodes[0]!.detectionMs!
    const { watchdogMs, heartbeatMs } = timingAt(timeScale)
    // The last heartbeat came through up to one interval before; a busy machine may be late.
    expect(detectionMs).toBeGreaterThan(watchdogMs - heartbeatMs - 100)
    expect(detectionMs).toBeLessThan(watchdogMs + 2000)
    const html = await readFile(join(await runFolder(folders.out), 'report.html'), 'utf8')
    expect(html).toContain('Detected')
    expect(html).toContain(`${(detectionMs / 1000).toFixed(2)} s`)
    console.log(`a drop on ${watched}: detected after ${Math.round(detectionMs)} ms, watchdog ${watchdogMs} ms`)
  })
})

/** What it finds, as soon as it finds it. Rejects when the run is over before. */
async function until<T>(find: () => Promise<T | undefined>, run: { readonly exitCode: number | null }): Promise<T> {
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    if (run.exitCode !== null) throw new Error(`the run ended (${run.exitCode}) too early`)
    await sleep(20)
  }
}

/** Runs are named by their process. */
async function routerOf(pid: number): Promise<string | undefined> {
  const all = await new Dockerode().listContainers({ filters: { label: ['outlast.run'] } })
  const ours = all.find(({ Names }) => new RegExp(`^/outlast-${pid}-.*-router$`).test(Names[0]!))
  return ours?.Id
}

/** Where the proxy of the link listens, by what the proxy itself says. */
async function portOf(host: string): Promise<number | undefined> {
  try {
    const { body } = await request(`http://${host}:8474/proxies`, { headersTimeout: 1000 })
    const proxies = (await body.json()) as Record<string, { listen: string }>
    const found = Object.entries(proxies).find(([name]) => name === 'client-to-api-0')
    return found && Number(found[1].listen.split(':').at(-1))
  } catch {
    return undefined
  }
}

async function stateSeen(out: string, state: string): Promise<number | undefined> {
  const lines = await readHistory(out)
  return lines.some(({ f, value }) => f === 'fault' && value.state === state) ? Date.now() : undefined
}

async function readHistory(out: string): Promise<readonly Line[]> {
  const files = (await readdir(out, { recursive: true })).filter((file) => file.endsWith('history.ndjson'))
  const text = (await Promise.all(files.map((file) => readFile(join(out, file), 'utf8')))).join('')
  // The last line may be half written.
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
}

async function runFolder(out: string): Promise<string> {
  return join(out, (await readdir(out))[0]!)
}
