import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { findLabelled } from '../../harness/cleanup/processes.ts'
import { root } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'

test('a suite that is killed leaves neither processes nor its folder', async () => {
  const setup = new URL('../support/suite.ts', import.meta.url).href
  const door = new URL('../support/programs.ts', import.meta.url).href
  const program = `
    import setup from '${setup}'
    import { tmpdir } from 'node:os'
    await setup()
    const { spawn } = await import('${door}')
    const server = spawn('sleep', ['60'], { env: {}, stdio: 'ignore', detached: true })
    console.log(JSON.stringify({ run: process.env.OUTLAST_RUN, tmp: tmpdir(), pid: server.pid }))
  `
  const suite = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(suite.stdout, 'data')) as [Buffer]
  const { run, tmp, pid } = JSON.parse(String(line)) as { run: string; tmp: string; pid: number }
  expect(findLabelled(run).map((one) => one.pid)).toContain(pid)
  suite.kill('SIGKILL')
  await vi.waitFor(() => expect(findLabelled(run)).toEqual([]), 12_000)
  await expect(readdir(tmp)).rejects.toThrow('ENOENT')
})
