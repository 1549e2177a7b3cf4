import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { labelIn } from '../../../harness/os/label.ts'
import { processState } from '../../../harness/os/process-state.ts'
import { runProgram } from '../../../harness/os/program.ts'
import { spawn } from '../../support/programs.ts'

const isGone = (pid: number): boolean => 'ZX'.includes(processState(pid))
const expectGone = (pid: number): Promise<void> => vi.waitFor(() => expect(isGone(pid)).toBe(true), 5_000)

describe('a program that is run to its end', () => {
  it('gives what it wrote', async () => {
    expect(await runProgram('sh', ['-c', 'echo "$1"; echo b >&2', 'sh', "a 'b' $c"])).toEqual({
      stdout: "a 'b' $c\n",
      stderr: 'b\n',
    })
  })

  it('carries a label with its owner, also where it gets no environment', async () => {
    const { stdout } = await runProgram('/usr/bin/env', [], { env: {} })
    const label = labelIn(stdout.split('\n'))
    expect(label).toMatchObject({ run: expect.stringMatching(/./), owner: { pid: expect.any(Number) } })
    expect(stdout).not.toContain('PATH=/')
  })

  it.each([
    [['-c', 'echo why >&2; exit 3'], { code: 3, stderr: 'why\n', message: 'sh failed (exit code 3)' }],
    [['-c', 'kill -TERM $$'], { code: 'SIGTERM', message: 'sh failed (SIGTERM)' }],
  ])('that fails says how: %j', async (args, error) => {
    await expect(runProgram('sh', args)).rejects.toMatchObject(error)
  })

  it('that is not there says so', async () => {
    const nowhere = 'no-such-program-of-outlast'
    const error = { code: 'ENOENT', message: `there is no ${nowhere} on the PATH` }
    await expect(runProgram(nowhere, [])).rejects.toMatchObject(error)
    await expect(runProgram(`/${nowhere}`, [])).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is ended when its time is over, and with it what it started', async () => {
    const script = 'sleep 60 & echo $!; wait'
    const ended = runProgram('sh', ['-c', script], { timeoutMs: 300 })
    await expect(ended).rejects.toMatchObject({ code: 'SIGKILL', message: 'sh did not end within 300 ms' })
    const { stdout } = (await ended.catch((error: unknown) => error)) as { stdout: string }
    await expectGone(Number(stdout))
  })

  it('is ended when the signal aborts, whose reason is the error', async () => {
    const over = new AbortController()
    const ended = runProgram('sleep', ['60'], { signal: over.signal })
    over.abort(new Error('enough'))
    await expect(ended).rejects.toThrow('enough')
  })

  it('takes with it what it leaves running', async () => {
    const { stdout } = await runProgram('sh', ['-c', 'sleep 60 & echo $!'])
    await expectGone(Number(stdout))
  })

  it.skipIf(process.platform !== 'linux')('does not outlive who started it', async () => {
    const module = new URL('../../../harness/os/program.ts', import.meta.url).href
    const program = `import { runProgram } from '${module}'; await runProgram('sleep', ['61'])`
    const starter = spawn(process.execPath, ['--input-type=module', '--eval', program])
    const childOf = (pid: number): number | undefined => {
      const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
      return first ? Number(first) : undefined
    }
    let pid: number | undefined
    while (pid === undefined || !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('61')) {
      await sleep(10)
      pid = childOf(starter.pid!)
    }
    const exited = once(starter, 'exit')
    starter.kill('SIGKILL')
    await exited
    await expectGone(pid)
  })
})
