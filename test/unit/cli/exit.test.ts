import { afterEach, describe, expect, test, vi } from 'vitest'
import { listenForInterrupts, reportError } from '../../../harness/cli/exit.ts'
import { HarnessError, Interrupted, UsageError } from '../../../harness/core/errors.ts'
import { spawnSync } from '../../support/programs.ts'

const dayMs = 24 * 3_600_000

test('a time limit of weeks does not end a run at once', async () => {
  vi.useFakeTimers()
  const say = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    using interrupt = listenForInterrupts({ ms: 40 * dayMs, text: '--max-duration 960h' })
    await vi.advanceTimersByTimeAsync(40 * dayMs - 1)
    expect(interrupt.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect((interrupt.signal.reason as Error).message).toBe('--max-duration 960h')
    expect(say).toHaveBeenCalledOnce()
  } finally {
    say.mockRestore()
    vi.useRealTimers()
  }
})

describe('an interrupt', () => {
  afterEach(() => void vi.restoreAllMocks())

  test('that comes again leaves at once, with the code of an interrupt', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`left with ${String(code)}`)
    })
    using interrupt = listenForInterrupts()
    expect(interrupt.isByUser()).toBe(false)
    process.emit('SIGINT')
    expect([interrupt.isByUser(), interrupt.signal.aborted]).toEqual([true, true])
    // An echo of the same Ctrl-C.
    process.emit('SIGINT')
    expect(exit).not.toHaveBeenCalled()
    await new Promise((resolve) => setTimeout(resolve, 550))
    expect(() => process.emit('SIGINT')).toThrow('left with 130')
  })

  test('is no failure of the harness, and no verdict', () => {
    const said: string[] = []
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
    expect(reportError(new Interrupted('the run was interrupted; what there is of it is in runs/x'))).toBe(130)
    expect(said).toEqual(['the run was interrupted; what there is of it is in runs/x\n'])
  })

  test('by a limit of time is not one of the user’s', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    using interrupt = listenForInterrupts({ ms: 1, text: '--max-duration 1ms' })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([interrupt.isByUser(), interrupt.signal.aborted]).toEqual([false, true])
  })
})

describe('in GitHub Actions an error', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  function saidOf(error: unknown, actions: string): readonly string[] {
    vi.stubEnv('GITHUB_ACTIONS', actions)
    const said: string[] = []
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
    reportError(error)
    return said
  }

  const wrong = new UsageError(['a, b.yaml:2:1: unknown key "sed"', 'x.yaml: there is no such file'])

  test('of a scenario is shown at its line', () => {
    expect(saidOf(wrong, 'true')).toEqual([
      'a, b.yaml:2:1: unknown key "sed"\n',
      'x.yaml: there is no such file\n',
      '::error file=a%2C b.yaml,line=2,col=1,title=outlast usage::a, b.yaml:2:1: unknown key "sed"\n',
      '::error title=outlast usage::x.yaml: there is no such file\n',
    ])
  })

  test('of the harness is shown as one', () => {
    expect(saidOf(new HarnessError('50 %\nfull'), 'true').at(-1)).toBe('::error title=outlast failed::50 %25\\nfull\n')
  })

  test('is said as elsewhere too, where it is said alone', () => {
    expect(saidOf(wrong, '')).toHaveLength(2)
  })

  test('in a thousand problems is ten annotations', () => {
    const many = new UsageError(Array.from({ length: 1000 }, (_, i) => `x.yaml:${i}:1: no`))
    expect(saidOf(many, 'true').filter((line) => line.startsWith('::error'))).toHaveLength(10)
  })
})

describe('this process', () => {
  const main = new URL('../../../harness/cli/exit.ts', import.meta.url).href
  const ended = (how: string): { readonly code: number | null; readonly said: string } => {
    const script = `import { conclude, crash, guardExit } from '${main}'; guardExit(); ${how}`
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    return { code: status, said: stderr }
  }

  test.each(['process.exit(0)', 'process.exit(1)', 'process.exitCode = 0'])(
    'is ended by nobody else with a code that reads as a verdict: %s',
    (how) => {
      const { code, said } = ended(how)
      expect(code).toBe(4)
      expect(said).toMatch(/outlast failed, which says nothing about .* ended this process with code/)
    },
  )

  test('ends with a code of ours without another word', () => {
    expect(ended('conclude(1); process.exit(0)')).toEqual({ code: 1, said: '' })
    const { code, said } = ended('crash(new Error("broken"))')
    expect([code, said.match(/outlast failed/g)?.length]).toEqual([4, 1])
  })
})
