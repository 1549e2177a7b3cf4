import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { holdPort } from '../../../harness/os/ports.ts'
import { processState } from '../../../harness/os/process-state.ts'
import { runProgram } from '../../../harness/os/program.ts'
import { ChildNode } from '../../../harness/runtimes/process/node.ts'
import { never } from '../faults/fakes.ts'

const hasSetsid = await runProgram('setsid', ['true']).then(
  () => true,
  () => false,
)

function freePort(): Promise<number> {
  return holdPort().then((held) => {
    using one = held
    return one.port
  })
}

/** A node whose shell starts a service so, and waits for it. */
async function node(how: string) {
  const folder = await mkdtemp(join(tmpdir(), 'daemon-'))
  const port = await freePort()
  const service = `import { createServer } from 'node:http'
createServer((_, response) => response.end('up')).listen(${port}, '127.0.0.1')
setTimeout(() => process.exit(), 8_000)`
  await writeFile(join(folder, 'service.mjs'), service)
  const made = new ChildNode({
    name: 'api-0',
    role: 'api',
    ordinal: 0,
    restartDelayMs: 60_000,
    onEvent: () => {},
    reach: async () => {},
    url: `http://127.0.0.1:${port}`,
    ports: [port],
    child: {
      command: 'sh',
      isForeign: true,
      args: ['-c', how.replace('SERVICE', `"${process.execPath}" service.mjs`)],
      cwd: folder,
      logFile: join(folder, 'log'),
    },
    ready: { http: `http://127.0.0.1:${port}/` },
    endSignal: 'SIGTERM',
  })
  onTestFinished(async () => {
    await made.dispose()
    await rm(folder, { recursive: true, force: true })
  })
  return { node: made, folder }
}

const started = async (how: string) => (await node(how)).node.start(never)

/** With a worker in a session of its own, which listens nowhere. */
const withWorker = `setsid sh -c 'echo $$ > worker; while sleep 0.05; do :; done' & SERVICE`

async function startedWithWorker() {
  const { node: one, folder } = await node(withWorker)
  await one.start(never)
  const worker = Number(await readFile(join(folder, 'worker'), 'utf8'))
  expect(processState(worker)).toMatch(/[RSD]/)
  return { node: one, worker }
}

test('a service that a shell starts is within reach', async () => {
  await expect(started('SERVICE & wait')).resolves.toBeUndefined()
})

test.skipIf(!hasSetsid)('one that leaves its group is refused (skipped where there is no setsid)', async () => {
  await expect(started('setsid SERVICE & wait')).rejects.toThrow(/no fault reaches it; start it in the foreground/)
})

describe.skipIf(!hasSetsid || process.platform !== 'linux')(
  'what it started, in whichever group (skipped without setsid or /proc)',
  () => {
    test.each(['kill', 'stop', 'crash', 'dispose'] as const)('ends with it: %s', async (how) => {
      const { node: one, worker } = await startedWithWorker()
      await (how === 'stop' ? one.stop(2_000) : one[how]())
      expect(processState(worker)).toMatch(/^[ZX]?$/)
    })

    test('is paused with it, and goes on with it', async () => {
      const { node: one, worker } = await startedWithWorker()
      const { heal } = await one.pause()
      await vi.waitFor(() => expect(processState(worker)).toBe('T'))
      await heal()
      await vi.waitFor(() => expect(processState(worker)).toMatch(/[RSD]/))
    })
  },
)
