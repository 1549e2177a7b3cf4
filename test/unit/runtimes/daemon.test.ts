import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdPort } from '../../../harness/os/ports.ts'
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
async function started(how: string) {
  const folder = await mkdtemp(join(tmpdir(), 'daemon-'))
  const port = await freePort()
  const service = `import { createServer } from 'node:http'
createServer((_, response) => response.end('up')).listen(${port}, '127.0.0.1')
setTimeout(() => process.exit(), 8_000)`
  await writeFile(join(folder, 'service.mjs'), service)
  const node = new ChildNode({
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
      args: ['-c', how.replace('SERVICE', `"${process.execPath}" service.mjs`)],
      cwd: folder,
      logFile: join(folder, 'log'),
    },
    ready: { http: `http://127.0.0.1:${port}/` },
    endSignal: 'SIGTERM',
  })
  onTestFinished(async () => {
    await node.dispose()
    await rm(folder, { recursive: true, force: true })
  })
  return node.start(never)
}

test('a service that a shell starts is within reach', async () => {
  await expect(started('SERVICE & wait')).resolves.toBeUndefined()
})

test.skipIf(!hasSetsid)('one that leaves its group is refused (skipped where there is no setsid)', async () => {
  await expect(started('setsid SERVICE & wait')).rejects.toThrow(/no fault reaches it; start it in the foreground/)
})
