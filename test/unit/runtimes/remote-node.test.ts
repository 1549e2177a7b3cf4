import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import kill from '../../../harness/faults/kill.ts'
import type { Fault } from '../../../harness/model/fault.ts'
import { runOwnersCommand } from '../../../harness/os/owners-command.ts'
import { holdPort } from '../../../harness/os/ports.ts'
import { RemoteNode } from '../../../harness/runtimes/process/remote-node.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { never, siteOf } from '../faults/fakes.ts'

const shell = (text: string): readonly string[] => ['sh', '-c', text]

async function freePort(): Promise<number> {
  using held = await holdPort()
  return held.port
}

/** A service that runs already, and a node that stands for it. */
async function running({ takeDown = 'kill -9 $(cat pid)', bringBack = '' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'remote-'))
  const port = await freePort()
  const service = `import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
createServer((_, response) => response.end('up')).listen(${port}, '127.0.0.1', () => writeFileSync('pid', String(process.pid)))
setTimeout(() => process.exit(), 60_000)`
  await writeFile(join(folder, 'service.mjs'), service)
  const start = `"${process.execPath}" service.mjs &`
  const lost: string[] = []
  const noted: string[] = []
  const node = new RemoteNode({
    name: 'api-0',
    role: 'api',
    ordinal: 0,
    restartDelayMs: 10,
    onEvent: () => {},
    reach: async () => {},
    remote: { url: `http://127.0.0.1:${port}`, cwd: folder, kill: shell(takeDown), restart: shell(bringBack || start) },
    ready: { http: `http://127.0.0.1:${port}/` },
    logFile: join(folder, 'logs', 'api-0.log'),
    onLost: (error) => void lost.push(error.message),
    note: async (state) => void noted.push(state),
    limitMs: 1500,
  })
  await runOwnersCommand({ command: shell(start), cwd: folder, logFile: join(folder, 'log'), limitMs: 5000 })
  onTestFinished(async () => {
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
    await rm(folder, { recursive: true, force: true })
  })
  await node.start(never)
  const isUp = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  return { node, lost, noted, isUp }
}

test(
  'its command takes it down, and the fault is proven; healing and leaving bring it back',
  { timeout: 20_000 },
  async () => {
    const { node, lost, noted, isUp } = await running()
    const active = await (kill as Fault).arm(siteOf([node]), { identity: 'same' }, never)
    expect(await isUp()).toBe(false)
    expect(await active.prove()).toMatchObject({ state: 'proven' })
    await active.heal()
    expect(await isUp()).toBe(true)
    await node.kill()
    expect(await isUp()).toBe(false)
    await node.dispose()
    expect(await isUp()).toBe(true)
    expect(lost).toEqual([])
    expect(noted).toEqual(['down', 'restarting', 'up', 'down', 'restarting', 'up'])
  },
)

test.each([
  ['does nothing', 'true', /still answers/],
  ['fails after it took it down', 'kill -9 $(cat pid); exit 3', /exit code 3/],
  ['hangs after it took it down', 'kill -9 $(cat pid); sleep 30', /did not end within/],
  ['is none', 'no-such-program-at-all', /exit code 127/],
])('a command "kill" that %s ends the run, and the service stays', { timeout: 20_000 }, async (_, takeDown, said) => {
  const { node, lost, isUp } = await running({ takeDown })
  await expect(node.kill()).rejects.toThrow(said)
  expect(lost[0]).toMatch(said)
  await node.dispose()
  expect(await isUp()).toBe(true)
})

test.each([0, 250])('a kill that began %i ms before the run ends is undone', { timeout: 20_000 }, async (beforeMs) => {
  const { node, isUp } = await running({ takeDown: 'sleep 0.5; kill -9 $(cat pid)' })
  const killing = node.kill().catch(() => {})
  if (beforeMs > 0) await sleep(beforeMs)
  await node.dispose()
  await killing
  expect(await isUp()).toBe(true)
})

test('a command "restart" that fails ends the run', { timeout: 20_000 }, async () => {
  const { node, lost } = await running({ bringBack: 'exit 4' })
  const { heal } = await node.kill()
  await expect(heal()).rejects.toThrow(/exit code 4/)
  expect(lost[0]).toMatch(/its command "restart" did not do it/)
  await expect(node.dispose()).rejects.toThrow(/exit code 4/)
})
