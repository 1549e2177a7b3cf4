import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { openFaultPoints } from '../support/fault-points.ts'
import { spawn } from '../support/programs.ts'

const module = new URL('../../patterns/contract/engine/fault-point.ts', import.meta.url).href
const program = `
  import { faultPoint, withFaultPoints } from '${module}'
  for (let i = 1; i <= 3; i++) {
    console.log(await withFaultPoints('a', async () => i))
    faultPoint('b')
    process.stdout.write('; ')
  }
`

/** What the program wrote, and how it ended. */
async function live(env: Readonly<Record<string, string>> = {}): Promise<readonly [string, number | string]> {
  const args = ['--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return [output.replaceAll('\n', ''), (signal ?? code) as number | string]
}

describe('a fault point', () => {
  it('is nothing without OUTLAST_FAULT_POINTS, and nothing without a token', async () => {
    await using points = await openFaultPoints()
    await points.arm('c', 1, 1)
    const whole = ['1; 2; 3; ', 0]
    expect(await live()).toEqual(whole)
    expect(await live(points.env)).toEqual(whole)
    expect(await points.pending()).toBe(1)
  })

  it('kills whoever passes it: nothing runs after it', async () => {
    await using points = await openFaultPoints()
    await points.arm('b', 1, 1)
    expect(await live(points.env)).toEqual(['1', 'SIGKILL'])
    expect(await live(points.env)).toEqual(['1; 2; 3; ', 0])
  })

  it('kills at the passing that was asked for, and so many lives in a row', async () => {
    await using points = await openFaultPoints()
    await points.arm('a.before', 2, 2)
    expect(await live(points.env)).toEqual(['1; ', 'SIGKILL'])
    expect(await points.pending()).toBe(1)
    expect(await live(points.env)).toEqual(['', 'SIGKILL'])
    expect(await live(points.env)).toEqual(['1; 2; 3; ', 0])
  })

  it('counts over processes that live side by side, and tells who passed', async () => {
    await using points = await openFaultPoints()
    await points.arm('a.after', 7, 1)
    const ends = (await Promise.all([live(points.env), live(points.env), live(points.env)])).map(([, end]) => end)
    expect(ends.filter((end) => end === 'SIGKILL')).toHaveLength(1)
    expect(ends.filter((end) => end === 0)).toHaveLength(2)
    expect((await points.passed()).get('a.after')).toBeGreaterThanOrEqual(7)
    expect((await points.passed()).size).toBe(0)
  })
})
