import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { EvidenceLine } from '../../harness/links/embedded/evidence.ts'
import { keepPort } from '../support/ports.ts'
import { spawn } from '../support/programs.ts'

/** A Toxiproxy server to test against. */
export interface LinkServer extends AsyncDisposable {
  readonly url: string
  /** What the embedded server wrote until now. */
  evidence(): readonly EvidenceLine[]
}

/** How to get one, or why there is none. */
export interface LinkServerKind {
  readonly name: 'embedded' | 'real'
  readonly missing?: string
  /** It is the user's and all tests share it: nobody may reset it. */
  readonly shared: boolean
  start(seed?: number): Promise<LinkServer>
}

/** The embedded server, and a real one wherever one is found. */
export function linkServerKinds(): readonly LinkServerKind[] {
  return [{ name: 'embedded', shared: false, start: startEmbedded }, realKind()]
}

async function startEmbedded(seed = 1): Promise<LinkServer> {
  const folder = mkdtempSync(join(tmpdir(), 'outlast-links-'))
  const file = join(folder, 'evidence.ndjson')
  const main = fileURLToPath(new URL('../../harness/links/embedded/main.ts', import.meta.url))
  const args = [main, '--listen', '127.0.0.1:0', '--evidence', file, '--seed', String(seed)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const crashed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it exited with ${String(code)}`)))
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), crashed])) as [string]
  crashed.catch(() => {})
  const { listening } = JSON.parse(line) as { listening: string }
  return {
    url: listening,
    evidence: () => readLines(file),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited(child)
      rmSync(folder, { recursive: true })
    },
  }
}

function readLines(file: string): readonly EvidenceLine[] {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as EvidenceLine)
}

function realKind(): LinkServerKind {
  const url = process.env['OUTLAST_TOXIPROXY_URL']
  if (url) {
    const start = async (): Promise<LinkServer> => ({ url, evidence: () => [], [Symbol.asyncDispose]: async () => {} })
    return { name: 'real', shared: true, start }
  }
  const program = onPath('toxiproxy-server')
  if (program) return { name: 'real', shared: false, start: () => startReal(program) }
  const missing = 'no toxiproxy-server on the PATH and no OUTLAST_TOXIPROXY_URL'
  return { name: 'real', shared: false, missing, start: () => Promise.reject(new Error(missing)) }
}

function onPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}

async function startReal(program: string): Promise<LinkServer> {
  const port = await keepPort()
  const child = spawn(program, ['-host', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  await untilAnswers(`${url}/version`)
  return {
    url,
    evidence: () => [],
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited(child)
    },
  }
}

async function untilAnswers(url: string, attempts = 100): Promise<void> {
  const answered = await fetch(url).then(
    (response) => response.ok,
    () => false,
  )
  if (answered) return
  if (attempts === 0) throw new Error(`${url} does not answer`)
  await sleep(50)
  await untilAnswers(url, attempts - 1)
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
