import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { PartLog } from '../../../harness/live/part-log.ts'
import { Viewers } from '../../../harness/live/viewers.ts'

/** A connection that takes something only when it is told to. */
class Connection extends EventEmitter {
  writableNeedDrain = false
  isDestroyed = false
  held = ''
  taken = ''
  write(text: string): boolean {
    this.held += text
    this.writableNeedDrain = this.held.length > 100
    return !this.writableNeedDrain
  }
  take(): void {
    this.taken += this.held
    this.held = ''
    this.writableNeedDrain = false
  }
  destroy(): void {
    this.isDestroyed = true
    this.emit('close')
  }
  end(text: string): void {
    this.write(text)
  }
}

function scene() {
  const log = new PartLog()
  const clock = { ms: 0 }
  const viewers = new Viewers(log, () => clock.ms)
  const add = (): Connection => {
    const connection = new Connection()
    viewers.add(connection as unknown as ServerResponse, [])
    return connection
  }
  const change = (text: string): void => {
    log.publish([{ id: 'a', inside: 'top', html: text.padEnd(1_000, '.') }])
    clock.ms += 500
    viewers.send()
  }
  return { clock, viewers, add, change }
}

test('a viewer that takes nothing holds one portion, is not waited for, and is dropped after ten seconds', () => {
  const { viewers, add, change } = scene()
  const [slow, quick] = [add(), add()]
  for (let i = 1; i <= 25; i++) {
    change(`no ${i} `)
    expect(quick.held).toContain(`no ${i} `)
    quick.take()
    expect(slow.held.length).toBeLessThan(3_000)
  }
  expect([slow.isDestroyed, quick.isDestroyed]).toEqual([true, false])
  expect(viewers.count).toBe(1)
})

test('a viewer that was slow gets what is so now, and nothing of what was meanwhile', () => {
  const { add, change } = scene()
  const slow = add()
  change('no 1 ')
  for (let i = 2; i <= 9; i++) change(`no ${i} `)
  slow.take()
  change('no 10 ')
  slow.take()
  expect(slow.taken.match(/no \d+/g)).toEqual(['no 1', 'no 10'])
})

test('silence is broken after fifteen seconds, and not before', () => {
  const { clock, viewers, add } = scene()
  const quiet = add()
  quiet.take()
  clock.ms = 14_000
  viewers.send()
  expect(quiet.held).toBe('')
  clock.ms = 15_000
  viewers.send()
  expect(quiet.held).toBe(':\n\n')
})

test('the end is the last that anybody hears', () => {
  const { viewers, add, change } = scene()
  const one = add()
  viewers.end({ report: 'report.html' })
  change('later')
  expect(one.held).toMatch(/event: end\ndata: \{"report":"report\.html"\}\n\n$/)
  expect(viewers.count).toBe(0)
})
