import { execFile } from 'node:child_process'
import { availableParallelism, freemem, loadavg, tmpdir, totalmem } from 'node:os'
import { promisify } from 'node:util'
import { request } from 'undici'
import { count } from '../../reports/numbers.ts'
import { discover } from '../core/discover.ts'
import { describeError } from '../core/errors.ts'
import type { Runtime } from '../core/types.ts'
import { findLeftovers } from '../run/cleanup.ts'
import { findBinaries } from '../runtimes/programs/postgres-binaries.ts'
import { programCommand } from '../runtimes/programs/restate.ts'

/** One thing that runs use. `missing`: every run needs it. `absent`: only some do. `poor`: it is there and will spoil numbers. */
export interface Finding {
  readonly name: string
  readonly state: 'ok' | 'absent' | 'poor' | 'missing'
  readonly detail: string
}

const run = promisify(execFile)
const patienceMs = 5_000

/** Look at this machine. Starts nothing but programs that print their version. */
export async function examine(): Promise<readonly Finding[]> {
  const asked = await Promise.all([
    runtimes(),
    program('PostgreSQL', postgresVersion),
    program('Restate', restateVersion),
    toxiproxy(),
    program('Docker', () => versionOf('docker', ['version', '--format', '{{.Server.Version}}'])),
    descriptors(),
  ])
  return [node(), cores(), memory(), ...asked.flat(), leftovers()]
}

function node(): Finding {
  const major = Number.parseInt(process.versions.node, 10)
  const state = major >= 24 ? 'ok' : 'missing'
  return { name: 'Node', state, detail: `${process.version}${state === 'ok' ? '' : '; 24 or newer is needed'}` }
}

function cores(): Finding {
  const [n, load] = [availableParallelism(), loadavg()[0]!]
  const busy = load > n / 2
  const detail = `${n}, load ${load.toFixed(2)}${busy ? ': busy, so latencies would be those of a busy machine' : ''}`
  return { name: 'Cores', state: n < 2 || busy ? 'poor' : 'ok', detail }
}

function memory(): Finding {
  const [total, free] = [totalmem(), freemem()].map((bytes) => bytes / 2 ** 30) as [number, number]
  const detail = `${free.toFixed(1)} of ${total.toFixed(1)} GiB free${free < 1 ? '; engines with a server of their own need about 1' : ''}`
  return { name: 'Memory', state: free < 1 ? 'poor' : 'ok', detail }
}

async function runtimes(): Promise<readonly Finding[]> {
  const found = await discover<Runtime>(new URL('../runtimes/', import.meta.url))
  return Promise.all(
    [...found.values()].map(async ({ name, summary, probe }): Promise<Finding> => {
      const reason = await probe().catch(describeError)
      const state = reason === undefined ? 'ok' : name === 'process' ? 'missing' : 'absent'
      return { name: `Runtime ${name}`, state, detail: reason ?? summary }
    }),
  )
}

async function program(name: string, version: () => Promise<string>): Promise<Finding> {
  return version().then(
    (detail) => ({ name, state: 'ok', detail }),
    (error: unknown) => ({ name, state: 'absent', detail: describeError(error).split('\n')[0]! }),
  )
}

async function postgresVersion(): Promise<string> {
  // Asked for as ourselves: only the server itself must not be root.
  const { postgres } = await findBinaries(tmpdir(), {})
  return versionOf(postgres, ['--version'])
}

async function restateVersion(): Promise<string> {
  const { command } = await programCommand({ dataDir: tmpdir(), host: '127.0.0.1', port: 1, controlPort: 1 })
  return versionOf(command, ['--version'])
}

async function versionOf(command: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(command, args, { timeout: patienceMs })).stdout.trim()
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') throw new Error(`there is no ${command} on the PATH`, { cause: error })
    throw new Error(stderr?.trim() || describeError(error), { cause: error })
  }
}

/** The embedded proxy is always there; a real server is used where one is named or found. */
async function toxiproxy(): Promise<Finding> {
  const url = process.env['OUTLAST_TOXIPROXY_URL']
  if (url === undefined) return program('Toxiproxy', () => versionOf('toxiproxy-server', ['--version']))
  return program('Toxiproxy', async () => `${url} answers ${await serverVersion(url)}`)
}

async function serverVersion(url: string): Promise<string> {
  const answer = await request(new URL('/version', url), { headersTimeout: patienceMs, bodyTimeout: patienceMs })
  return (await answer.body.text()).trim()
}

/** A streaming task holds about eight: client, two per link, and server, on two legs. */
async function descriptors(): Promise<Finding> {
  const text = await versionOf('sh', ['-c', 'ulimit -n']).catch(() => 'unknown')
  const limit = text === 'unlimited' ? Infinity : Number(text)
  const state = limit < 4096 ? 'poor' : 'ok'
  const hint = state === 'poor' ? '; few: ulimit -n 16384 raises it' : ''
  return { name: 'Open files', state, detail: `${Number.isFinite(limit) ? count(limit) : text} per process${hint}` }
}

function leftovers(): Finding {
  const found = findLeftovers()
  if (found.length === 0) return { name: 'Leftovers', state: 'ok', detail: 'none' }
  return { name: 'Leftovers', state: 'poor', detail: `of ${found.length} interrupted runs: outlast clean removes them` }
}
